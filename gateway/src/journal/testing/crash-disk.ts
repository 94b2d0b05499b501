import { basename, dirname } from "node:path";

import { FrostlightError, type Random } from "@frostlight/kernel";

import type { JournalFile, JournalFiles } from "../files.ts";

const pageBytes = 4_096;
const sectorBytes = 512;

type Change =
  | { readonly kind: "write"; readonly position: number; readonly bytes: Buffer }
  | { readonly kind: "truncate"; readonly size: number };

interface Inode {
  /** What the running system sees. */
  current: Buffer;
  /** What is certainly on the medium. */
  durable: Buffer;
  /** Since the last sync, in order. */
  changes: Change[];
}

type FolderChange =
  | { readonly kind: "link"; readonly name: string; readonly inode: Inode }
  | { readonly kind: "unlink"; readonly name: string };

interface Folder {
  current: Map<string, Inode>;
  durable: Map<string, Inode>;
  /** Each entry happens as a whole: a rename is an unlink and a link. */
  changes: FolderChange[][];
}

/**
 * A disk in memory that knows what a power cut may leave: of data that was not synced any page may be there or not, in any
 * order, the newest or an older version, torn at a sector, and the file's length may be any it had; of unsynced
 * changes in a folder the first n, whole.
 */
export class CrashDisk implements JournalFiles {
  readonly #folders = new Map<string, Folder>();
  /** Called before each operation: the moment at which the power may fail. */
  beforeOperation: (what: string) => void = () => undefined;
  operations = 0;

  mkdir(path: string): Promise<void> {
    if (!this.#folders.has(path)) this.#folders.set(path, { current: new Map(), durable: new Map(), changes: [] });
    return Promise.resolve();
  }

  readdir(path: string): Promise<string[]> {
    const inside = [...this.#folders.keys()].filter((folder) => dirname(folder) === path).map((one) => basename(one));
    return Promise.resolve([...this.#folder(path).current.keys(), ...inside]);
  }

  readFile(path: string): Promise<Buffer> {
    return this.#later(() => Buffer.from(this.#inode(path).current));
  }

  stat(path: string): Promise<{ size: number; mtimeMs: number }> {
    return this.#later(() =>
      this.#folders.has(path) ? { size: 0, mtimeMs: 0 } : { size: this.#inode(path).current.length, mtimeMs: 0 },
    );
  }

  unlink(path: string): Promise<void> {
    return this.#change("unlink", () => {
      this.#inode(path);
      const folder = this.#folder(dirname(path));
      folder.current.delete(basename(path));
      folder.changes.push([{ kind: "unlink", name: basename(path) }]);
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.#change("rename", () => {
      const inode = this.#inode(from);
      const folder = this.#folder(dirname(from));
      folder.current.delete(basename(from));
      folder.current.set(basename(to), inode);
      folder.changes.push([
        { kind: "unlink", name: basename(from) },
        { kind: "link", name: basename(to), inode },
      ]);
    });
  }

  open(path: string, flags: "r" | "r+" | "w" | "w+"): Promise<JournalFile> {
    return this.#change("open", () => {
      const folder = this.#folder(dirname(path));
      let inode = folder.current.get(basename(path));
      if (inode === undefined) {
        if (flags.startsWith("r")) throw missing(path);
        inode = { current: Buffer.alloc(0), durable: Buffer.alloc(0), changes: [] };
        folder.current.set(basename(path), inode);
        folder.changes.push([{ kind: "link", name: basename(path), inode }]);
      } else if (flags.startsWith("w")) {
        apply(inode, { kind: "truncate", size: 0 });
      }
      return this.#handle(inode);
    });
  }

  syncFolder(path: string): Promise<void> {
    return this.#change("syncFolder", () => {
      const folder = this.#folder(path);
      folder.durable = new Map(folder.current);
      folder.changes = [];
    });
  }

  lock(): Promise<() => Promise<void>> {
    return Promise.resolve(() => Promise.resolve());
  }

  /** A disk as it may be after the power failed now. Different for each turn of `random`. */
  crash(random: Random): CrashDisk {
    const after = new CrashDisk();
    const copies = new Map<Inode, Inode>();
    for (const [path, folder] of this.#folders) {
      const entries = new Map(folder.durable);
      for (const change of folder.changes.slice(0, Math.floor(random.next() * (folder.changes.length + 1)))) {
        for (const step of change) {
          if (step.kind === "link") entries.set(step.name, step.inode);
          else entries.delete(step.name);
        }
      }
      const survived = new Map<string, Inode>();
      for (const [name, inode] of entries) {
        let copy = copies.get(inode);
        if (copy === undefined) {
          const bytes = whatIsLeft(inode, random);
          copy = { current: bytes, durable: Buffer.from(bytes), changes: [] };
          copies.set(inode, copy);
        }
        survived.set(name, copy);
      }
      after.#folders.set(path, { current: survived, durable: new Map(survived), changes: [] });
    }
    return after;
  }

  #handle(inode: Inode): JournalFile {
    return {
      write: (bytes, offset, length, position) =>
        this.#change("write", () => {
          apply(inode, { kind: "write", position, bytes: Buffer.from(bytes.subarray(offset, offset + length)) });
          return { bytesWritten: length };
        }),
      read: (bytes, offset, length, position) => {
        const part = inode.current.subarray(position, position + length);
        bytes.set(part, offset);
        return Promise.resolve({ bytesRead: part.length });
      },
      truncate: (size) =>
        this.#change("truncate", () => {
          apply(inode, { kind: "truncate", size });
        }),
      datasync: () =>
        this.#change("datasync", () => {
          inode.durable = Buffer.from(inode.current);
          inode.changes = [];
        }),
      close: () => Promise.resolve(),
    };
  }

  #folder(path: string): Folder {
    const folder = this.#folders.get(path);
    if (folder === undefined) throw missing(path);
    return folder;
  }

  #inode(path: string): Inode {
    const inode = this.#folder(dirname(path)).current.get(basename(path));
    if (inode === undefined) throw missing(path);
    return inode;
  }

  #later<T>(task: () => T): Promise<T> {
    return new Promise((resolve) => {
      resolve(task());
    });
  }

  #change<T>(what: string, task: () => T): Promise<T> {
    return this.#later(() => {
      this.beforeOperation(what);
      this.operations += 1;
      return task();
    });
  }
}

function apply(inode: Inode, change: Change): void {
  inode.current = after(inode.current, change);
  inode.changes.push(change);
}

function after(bytes: Buffer, change: Change): Buffer {
  if (change.kind === "truncate") {
    const resized = Buffer.alloc(change.size);
    bytes.copy(resized);
    return resized;
  }
  const grown = Buffer.alloc(Math.max(bytes.length, change.position + change.bytes.length));
  bytes.copy(grown);
  change.bytes.copy(grown, change.position);
  return grown;
}

/** Every version the file had since the last sync; length of one, each page of one, some torn between two. */
function whatIsLeft(inode: Inode, random: Random): Buffer {
  if (inode.changes.length === 0) return Buffer.from(inode.durable);
  const versions = [inode.durable];
  for (const change of inode.changes) versions.push(after(versions.at(-1) ?? inode.durable, change));
  const pick = (): Buffer => versions[Math.floor(random.next() * versions.length)] ?? inode.durable;
  const left = Buffer.alloc(pick().length);
  for (let page = 0; page < left.length; page += pageBytes) {
    left.set(pick().subarray(page, Math.min(page + pageBytes, left.length)), page);
    if (random.next() > 0.25) continue;
    const torn = page + sectorBytes * Math.floor((random.next() * pageBytes) / sectorBytes);
    left.set(pick().subarray(page, Math.min(torn, left.length)), page);
  }
  return left;
}

function missing(path: string): FrostlightError {
  return new FrostlightError("ENOENT", "data", `${path} does not exist`);
}
