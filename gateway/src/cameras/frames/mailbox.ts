import type { Frame, FrameEvent } from "../../core/camera.ts";

/**
 * Between a source that produces at its own pace and a consumer that may be slow: the newest frame wins, older unread ones
 * are dropped and counted; problems are kept (the last of each code).
 */
export class FrameMailbox implements AsyncIterable<FrameEvent> {
  #frame: Frame | undefined;
  readonly #problems = new Map<string, FrameEvent>();
  #wake: (() => void) | undefined;
  #closed = false;
  dropped = 0;

  frame(frame: Frame): void {
    if (this.#frame !== undefined) this.dropped += 1;
    this.#frame = frame;
    this.#wake?.();
  }

  problem(code: string, message: string): void {
    this.#problems.set(code, { kind: "problem", code, message });
    this.#wake?.();
  }

  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<FrameEvent> {
    while (!this.#closed) {
      const event = this.#take();
      if (event !== undefined) {
        yield event;
        continue;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }

  #take(): FrameEvent | undefined {
    for (const [code, problem] of this.#problems) {
      this.#problems.delete(code);
      return problem;
    }
    const frame = this.#frame;
    this.#frame = undefined;
    return frame === undefined ? undefined : { kind: "frame", frame };
  }
}
