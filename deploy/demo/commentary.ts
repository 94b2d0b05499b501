import type { ServerClient } from "../../tests/sims/server-client.ts";

/** Says on the terminal what a newcomer would see in the console: alarms that come and go, findings with pictures. */
export class Commentary {
  readonly #client: ServerClient;
  readonly #siteId: string;
  readonly #say: (text: string) => void;
  readonly #startMs = Date.now();
  readonly #said = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(client: ServerClient, siteId: string, say: (text: string) => void) {
    this.#client = client;
    this.#siteId = siteId;
    this.#say = say;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#look(), 2000);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    try {
      for (const alarm of await this.#client.alarms(this.#siteId)) {
        if (alarm.raisedMs < this.#startMs) continue;
        const what = `${alarm.pointId ?? alarm.zoneId} (${alarm.priority})`;
        this.#once(`${alarm.alarmId} raised`, `报警 alarm: ${what}`);
        if (alarm.returnedMs !== null || alarm.clearedMs !== null) {
          this.#once(
            `${alarm.alarmId} over`,
            `恢复 over: ${what}${alarm.clearedMs === null ? ", 待确认 to be acknowledged" : ""}`,
          );
        }
      }
      for (const finding of await this.#client.findings(this.#siteId)) {
        if (finding.firstSeenMs < this.#startMs) continue;
        const isThere = finding.evidence.some((file) => file.stored);
        if (isThere)
          this.#once(finding.findingId, `发现 finding: ${finding.ruleKind} (${finding.cameraId}), 有图 with picture`);
      }
    } catch {
      // The server may be restarting; its end is told by whoever watches the processes.
    }
  }

  #once(key: string, text: string): void {
    if (this.#said.has(key)) return;
    this.#said.add(key);
    this.#say(`+${String(Math.round((Date.now() - this.#startMs) / 1000)).padStart(4)} s  ${text}`);
  }
}
