import { computed, signal } from "@preact/signals";

/** The device's clock minus the server's: ages are right on a phone whose clock is wrong. */
const offsetMs = signal(0);
const deviceMs = signal(Date.now());

/** The server's time, moving once a second. */
export const now = computed(() => deviceMs.value - offsetMs.value);

export function setServerTime(serverMs: number): void {
  offsetMs.value = Date.now() - serverMs;
  deviceMs.value = Date.now();
}

/** Keeps `now` moving while the page is seen. */
export function startNow(): void {
  setInterval(() => {
    if (document.visibilityState === "visible") deviceMs.value = Date.now();
  }, 1000);
}
