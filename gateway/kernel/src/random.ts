import { randomBytes, randomUUID } from "node:crypto";

/** The only source of chance, injected so that tests can repeat it. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** `size` bytes, fit for secrets in the system implementation. */
  bytes(size: number): Uint8Array;
  /** An RFC 9562 UUID. */
  uuid(): string;
}

export const systemRandom: Random = {
  next: () => randomBytes(4).readUInt32LE(0) / 2 ** 32,
  bytes: (size) => randomBytes(size),
  uuid: () => randomUUID(),
};
