import { signal } from "@preact/signals";

import type { SeriesSample } from "./api.generated.ts";
import { api } from "./api.ts";
import { setServerTime } from "./now.ts";
import { changes, loadOverview, loadSession, session, takeSample } from "./store.ts";

/** Where the live connection stands. */
export const link = signal<"connecting" | "live" | "lost">("connecting");

/** A stream without even a heartbeat for this long is dead although it looks open. */
const silenceMs = 40_000;
const gatherMs = 400;
const refreshMs = 60_000;

interface SamplesEvent {
  readonly siteId: string;
  readonly samples: readonly (SeriesSample & { readonly pointId: string })[];
}

type SampleListener = (siteId: string, pointId: string, sample: SeriesSample) => void;
const listeners = new Set<SampleListener>();

/** Calls for every live sample; returns how to stop. */
export function onSample(listener: SampleListener): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

/** Follows the server's events until the returned function is called. */
export function startLive(): () => void {
  let source: EventSource | undefined;
  let heardMs = Date.now();
  let gather: ReturnType<typeof setTimeout> | undefined;
  const reload = (): void => {
    gather ??= setTimeout(() => {
      gather = undefined;
      changes.value += 1;
      void loadOverview();
    }, gatherMs);
  };
  const open = (): void => {
    source?.close();
    heardMs = Date.now();
    source = new EventSource(api.eventsUrl);
    listen(source, reload, () => {
      heardMs = Date.now();
    });
  };
  const watch = setInterval(() => {
    if (source?.readyState === EventSource.CLOSED || Date.now() - heardMs > silenceMs) {
      link.value = "lost";
      open();
    }
  }, 5000);
  const refresh = setInterval(() => {
    if (document.visibilityState === "visible") reload();
  }, refreshMs);
  const onSeen = (): void => {
    if (document.visibilityState === "visible") reload();
  };
  document.addEventListener("visibilitychange", onSeen);
  addEventListener("online", open);
  open();
  return () => {
    source?.close();
    clearInterval(watch);
    clearInterval(refresh);
    clearTimeout(gather);
    document.removeEventListener("visibilitychange", onSeen);
    removeEventListener("online", open);
  };
}

function listen(source: EventSource, reload: () => void, heard: () => void): void {
  source.addEventListener("hello", () => {
    heard();
    if (link.value === "lost") reload();
    link.value = "live";
  });
  source.addEventListener("heartbeat", (event) => {
    heard();
    setServerTime((JSON.parse(event.data) as { readonly nowMs: number }).nowMs);
  });
  source.addEventListener("samples", (event) => {
    heard();
    // The server's own events; their shape is that of the API's schemas.
    const { siteId, samples } = JSON.parse(event.data) as SamplesEvent;
    for (const { pointId, ...sample } of samples) {
      takeSample(siteId, pointId, sample);
      for (const listener of listeners) listener(siteId, pointId, sample);
    }
  });
  for (const name of ["reset", "alarm", "finding", "health", "evidence", "site", "gateway"]) {
    source.addEventListener(name, () => {
      heard();
      reload();
    });
  }
  source.addEventListener("error", () => {
    link.value = "lost";
    // A closed stream was refused: perhaps the session ended.
    if (source.readyState === EventSource.CLOSED && session.value !== null) void loadSession().catch(() => undefined);
  });
}
