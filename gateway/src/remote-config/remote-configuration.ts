import { readFile } from "node:fs/promises";

import type { Command, HealthEvent } from "@frostlight/contract";
import { type Clock, describeError, isFrostlightError, type Logger } from "@frostlight/kernel";

import { judge, problemLines, type Validate, type Verdict } from "./judge.ts";
import { type ConfigurationState, fingerprint, type OutboxItem, VersionFiles } from "./version-files.ts";

/** Starts that a version gets to be confirmed in. */
const maxAttempts = 2;
/** Unsigned configurations are recorded at most this often: whoever can send one can send many. */
const unsignedRecordMs = 60_000;

/** What the gateway is to run with. */
export interface Choice {
  /** 0: the file at the gateway. */
  readonly version: number;
  readonly file: string;
  readonly text: string;
  /** Not confirmed yet. */
  readonly isTrial: boolean;
}

export interface RemoteConfigurationParts {
  /** The stage's own folder. */
  readonly folder: string;
  /** The file that the process was started with. */
  readonly localFile: string;
  readonly validate: Validate;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Begins anew, soon, with what {@link RemoteConfiguration.choose} says then. */
  readonly restart: () => void;
}

export interface ConfigurationRequest {
  readonly command: Command & { readonly action: { readonly kind: "apply-configuration" } };
  readonly gatewayId: string;
  /** Pinned when the gateway joined; raw Ed25519, hex. */
  readonly configurationKey: string | undefined;
}

export type ConfigurationOutcome = "trying" | "already-done" | Extract<Verdict, { kind: "refused" }>["code"];

/**
 * Configurations that the server sends. A version is written down before it is tried, tried by building the gateway anew,
 * and in force once the gateway has stayed connected with it; otherwise the one before returns. Each start with a version
 * that is not confirmed is counted on disk first, so a crash counts too. A person who changes the file at the gateway has the
 * last word.
 */
export class RemoteConfiguration {
  readonly #parts: RemoteConfigurationParts;
  readonly #files: VersionFiles;
  #state: ConfigurationState;
  #turn: Promise<unknown> = Promise.resolve();
  #journal: ((item: OutboxItem) => Promise<void>) | undefined;
  #unsignedMs = Number.NEGATIVE_INFINITY;

  private constructor(parts: RemoteConfigurationParts, files: VersionFiles, state: ConfigurationState) {
    this.#parts = parts;
    this.#files = files;
    this.#state = state;
  }

  /** A damaged state is kept aside and told; the file at the gateway is in force then. */
  static async open(parts: RemoteConfigurationParts): Promise<RemoteConfiguration> {
    const files = new VersionFiles(parts.folder);
    try {
      return new RemoteConfiguration(parts, files, await files.read());
    } catch (error) {
      if (!isFrostlightError(error, "state/corrupt")) throw error;
      parts.logger.error("configuration-state-lost", { error: describeError(error) });
      const opened = new RemoteConfiguration(parts, files, await files.salvage());
      await opened.#save({ outbox: [opened.#health("local", "configuration-state-lost", {})] });
      return opened;
    }
  }

  /** The version in force; 0: the file at the gateway. */
  get activeVersion(): number {
    return this.#state.active;
  }

  /** What to run with now. A start with a version that is not confirmed is counted before this resolves. */
  choose(): Promise<Choice> {
    return this.#inTurn(async () => {
      const { localFile } = this.#parts;
      const local = { version: 0, file: localFile, text: await this.#localText(), isTrial: false };
      await this.#obeyLocalChange(local.text);
      const trial = await this.#tryPending();
      if (trial !== undefined) return trial;
      return (await this.#confirmed()) ?? local;
    });
  }

  /** Judges what the server sent. With "trying" it is on disk, and the gateway begins anew with it. */
  async apply(request: ConfigurationRequest): Promise<ConfigurationOutcome> {
    const outcome = await this.#inTurn(() => this.#apply(request));
    // Whoever sent it waits for the answer.
    if (this.#journal !== undefined) void this.flush(this.#journal);
    return outcome;
  }

  /** The journal that is open now; undefined when it closes. */
  connect(journal: ((item: OutboxItem) => Promise<void>) | undefined): void {
    this.#journal = journal;
  }

  /** The version on trial has proven itself. */
  confirm(): Promise<void> {
    return this.#inTurn(async () => {
      const { pending, active, history } = this.#state;
      if (pending === null) return;
      const { version, commandId, author, reason } = pending;
      const before = nameOf(active);
      await this.#save({
        active: version,
        history: active === 0 ? history : [...history, active],
        pending: null,
        answered: [...this.#state.answered, commandId],
        outbox: [
          this.#change({ before, after: nameOf(version), author, reason, commandId }),
          this.#health("ok", "configuration-applied", { version, before }),
        ],
      });
      this.#parts.logger.info("configuration-confirmed", { version });
    });
  }

  /** The version on trial did not work. Afterwards {@link choose} gives the one before. */
  giveUp(code: "configuration-not-connected" | "configuration-failed", message: string): Promise<void> {
    return this.#inTurn(async () => {
      await this.#giveUp(code, message);
    });
  }

  /** Begins anew with what is in force now. */
  restart(): void {
    this.#parts.restart();
  }

  /** Journals what happened; what the journal does not take now comes at the next call. A crash in between repeats, never loses. */
  flush(append: (item: OutboxItem) => Promise<void>): Promise<void> {
    return this.#inTurn(async () => {
      try {
        while (this.#state.outbox.length > 0) {
          const [first, ...rest] = this.#state.outbox;
          if (first !== undefined) await append(first);
          this.#state = { ...this.#state, outbox: rest };
          if (rest.length === 0) await this.#files.write(this.#state);
        }
      } catch (error) {
        this.#parts.logger.warn("configuration-waits-for-journal", { error: describeError(error) });
      }
    });
  }

  async #apply({ command, gatewayId, configurationKey }: ConfigurationRequest): Promise<ConfigurationOutcome> {
    const { commandId, actor, action } = command;
    const { answered, pending, highest } = this.#state;
    if (answered.includes(commandId) || pending?.commandId === commandId) return "already-done";
    const { validate, clock, logger } = this.#parts;
    const verdict = await judge(action, { gatewayId, configurationKey, highest, validate });
    const { version, yaml, reason } = action;
    if (verdict.kind === "refused") {
      const { code } = verdict;
      logger.warn("configuration-refused", { version, code });
      const isUnsigned = code === "configuration-not-signed";
      if (isUnsigned && clock.monotonicMs() - this.#unsignedMs < unsignedRecordMs) return code;
      if (isUnsigned) this.#unsignedMs = clock.monotonicMs();
      const problems = code === "configuration-invalid" ? { problems: problemLines(verdict.problems) } : {};
      await this.#save({
        // A right signature uses the version up, whatever is in it.
        highest: code === "configuration-invalid" ? version : highest,
        answered: [...answered, commandId],
        outbox: [this.#health("refused", code, { version, commandId, ...problems })],
      });
      return code;
    }
    await this.#files.keepText(version, yaml);
    await this.#save({
      highest: version,
      localSha256: fingerprint(await this.#localText()),
      pending: { version, commandId, author: actor, reason, attempts: 0 },
      outbox: [this.#health("trial", "configuration-trial", { version, before: nameOf(this.#state.active) })],
    });
    logger.info("configuration-taken", { version, author: actor });
    this.#parts.restart();
    return "trying";
  }

  async #tryPending(): Promise<Choice | undefined> {
    const { pending } = this.#state;
    if (pending === null) return undefined;
    const { version, attempts } = pending;
    if (attempts >= maxAttempts) {
      await this.#giveUp("configuration-interrupted", "");
      return undefined;
    }
    const text = await this.#files.textOf(version);
    const problems = text === undefined ? undefined : await this.#parts.validate(text);
    if (text === undefined || problems === undefined || problems.length > 0) {
      await this.#giveUp("configuration-failed", problemLines(problems ?? [{ path: "", message: "the file is gone" }]));
      return undefined;
    }
    await this.#save({ pending: { ...pending, attempts: attempts + 1 } });
    return { version, file: this.#files.pathOf(version), text, isTrial: true };
  }

  /** The version in force, or the newest before it that still is one for this software. */
  async #confirmed(): Promise<Choice | undefined> {
    for (;;) {
      const { active: version, history } = this.#state;
      if (version === 0) return undefined;
      const text = await this.#files.textOf(version);
      const problems =
        text === undefined ? [{ path: "", message: "the file is gone" }] : await this.#parts.validate(text);
      if (text !== undefined && problems.length === 0) {
        return { version, file: this.#files.pathOf(version), text, isTrial: false };
      }
      const active = history.at(-1) ?? 0;
      const message = problemLines(problems);
      this.#parts.logger.error("configuration-unusable", { version, error: message });
      await this.#save({
        active,
        history: history.slice(0, -1),
        outbox: [
          this.#change({
            before: nameOf(version),
            after: nameOf(active),
            author: "gateway",
            reason: "unusable",
            commandId: null,
          }),
          this.#health("rolled-back", "configuration-unusable", { version, before: nameOf(active), message }),
        ],
      });
    }
  }

  async #obeyLocalChange(text: string): Promise<void> {
    const { active, pending, history, localSha256 } = this.#state;
    if (active === 0 && pending === null) return;
    if (localSha256 === fingerprint(text)) return;
    this.#parts.logger.warn("configuration-file-changed", { before: active });
    if (pending !== null) await this.#giveUp("configuration-overtaken", "");
    if (active === 0) return;
    const before = nameOf(active);
    await this.#save({
      active: 0,
      history: [...history, active],
      localSha256: fingerprint(text),
      outbox: [
        this.#change({ before, after: nameOf(0), author: "gateway", reason: "file changed", commandId: null }),
        this.#health("local", "configuration-local", { before }),
      ],
    });
  }

  async #giveUp(code: string, message: string): Promise<void> {
    const { pending, active, answered } = this.#state;
    if (pending === null) return;
    const { version, commandId } = pending;
    this.#parts.logger.warn("configuration-rolled-back", { version, code, message });
    const parameters = { version, before: nameOf(active), commandId, message: message.slice(0, 1_500) };
    await this.#save({
      pending: null,
      answered: [...answered, commandId],
      outbox: [this.#health("rolled-back", code, parameters)],
    });
  }

  /** @param change its outbox items are added to those that wait */
  async #save(change: Partial<ConfigurationState>): Promise<void> {
    const next = { ...this.#state, ...change, outbox: [...this.#state.outbox, ...(change.outbox ?? [])] };
    await this.#files.write(next);
    this.#state = next;
  }

  #change(
    record: Pick<
      Extract<OutboxItem, { kind: "change" }>["change"],
      "before" | "after" | "author" | "reason" | "commandId"
    >,
  ): OutboxItem {
    const timeMs = this.#parts.clock.nowMs();
    return { kind: "change", change: { subject: "configuration", what: "configuration", ...record, timeMs } };
  }

  #health(state: string, code: string, parameters: HealthEvent["explanation"]["parameters"]): OutboxItem {
    const timeMs = this.#parts.clock.nowMs();
    const event = { subject: "configuration", state, timeMs, explanation: { code, parameters: { ...parameters } } };
    return { kind: "health", event };
  }

  #localText(): Promise<string> {
    return readFile(this.#parts.localFile, "utf8");
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work, work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

/** For people. */
function nameOf(version: number): string {
  return version === 0 ? "local file" : `version ${version}`;
}
