import { type RetrySchedule, retryDelayMs } from "@frostlight/kernel";
import { z } from "zod";

import { defineTransport, type Link, type Transport, type TransportContext } from "../transport.ts";
import { httpsTransport } from "./https.ts";
import { mqttTransport } from "./mqtt.ts";

const options = z.strictObject({
  mqtt: mqttTransport.options.prefault({}),
  https: httpsTransport.options.prefault({}),
  /** While HTTPS carries, MQTT is tried again after this; each time in vain twice as long, up to a day. */
  retryMqttMinutes: z.number().positive().max(1_440).default(10),
});
type Options = z.output<typeof options>;

const dayMs = 86_400_000;
/** A server may be restarted under one link; not under several. */
const silentLinksThatMeanBlocked = 2;

/**
 * MQTT where it works, HTTPS where it is blocked. MQTT counts as blocked when it cannot connect but HTTPS can (when neither
 * can, the network is away), or when a link of its did connect and then ended without any answer to what was sent.
 */
export const autoTransport = defineTransport({
  kind: "auto",
  options,
  example: { mqtt: { keepaliveSeconds: 30 }, retryMqttMinutes: 30 },
  open: (settings, context) => new AutoTransport(settings, context),
});

class AutoTransport implements Transport {
  readonly #context: TransportContext;
  readonly #mqtt: Transport;
  readonly #https: Transport;
  readonly #schedule: RetrySchedule;
  #heard = false;
  #silentLinks = 0;
  #mqttBlockedUntilMs = Number.NEGATIVE_INFINITY;
  #blockedTimes = 0;

  constructor(settings: Options, context: TransportContext) {
    this.#context = context;
    const watched: TransportContext = {
      ...context,
      onAck: (bytes) => {
        this.#heard = true;
        context.onAck(bytes);
      },
    };
    this.#mqtt = mqttTransport.open(settings.mqtt, watched);
    this.#https = httpsTransport.open(settings.https, context);
    this.#schedule = { firstMs: settings.retryMqttMinutes * 60_000, factor: 2, maxMs: dayMs, jitter: 0.1 };
  }

  async connect(signal: AbortSignal): Promise<Link> {
    if (this.#isBlocked()) return this.#connectHttps(signal);
    try {
      return this.#watch(await this.#mqtt.connect(signal));
    } catch (error) {
      signal.throwIfAborted();
      const link = await this.#connectHttps(signal).catch(() => undefined);
      signal.throwIfAborted();
      if (link === undefined) throw error;
      this.#block("cannot connect");
      return link;
    }
  }

  #isBlocked(): boolean {
    return this.#context.clock.monotonicMs() < this.#mqttBlockedUntilMs;
  }

  #block(reason: string): void {
    const { clock, random, logger } = this.#context;
    const waitMs = retryDelayMs(this.#schedule, this.#blockedTimes, random);
    this.#blockedTimes += 1;
    this.#mqttBlockedUntilMs = clock.monotonicMs() + waitMs;
    logger.warn("mqtt-blocked", { reason, retryMinutes: Math.round(waitMs / 60_000) });
  }

  /** An MQTT link that swallows what is sent is as good as none. */
  #watch(link: Link): Link {
    let sent = false;
    this.#heard = false;
    void link.closed.then(() => {
      if (this.#heard) {
        this.#blockedTimes = 0;
        this.#silentLinks = 0;
      } else if (sent) {
        this.#silentLinks += 1;
        if (this.#silentLinks >= silentLinksThatMeanBlocked) this.#block("nothing that was sent was answered");
      }
    });
    return {
      via: link.via,
      closed: link.closed,
      send: (sealed) => {
        sent = true;
        link.send(sealed);
      },
      close: () => link.close(),
    };
  }

  /** Over HTTPS until MQTT is worth another try; then the link ends, so that the next `connect` begins with MQTT. */
  async #connectHttps(signal: AbortSignal): Promise<Link> {
    const link = await this.#https.connect(signal);
    const { clock } = this.#context;
    const probe = async (): Promise<void> => {
      for (;;) {
        await clock.sleep(Math.max(1_000, this.#mqttBlockedUntilMs - clock.monotonicMs()), stopping.signal);
        try {
          const trial = await this.#mqtt.connect(stopping.signal);
          await trial.close();
          this.#mqttBlockedUntilMs = Number.NEGATIVE_INFINITY;
          await link.close();
          return;
        } catch {
          if (stopping.signal.aborted) return;
          this.#block("still cannot connect");
        }
      }
    };
    const stopping = new AbortController();
    void link.closed.then(() => {
      stopping.abort(new Error("the link has ended"));
    });
    probe().catch(() => undefined);
    return link;
  }
}
