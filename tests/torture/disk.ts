import { execFileSync } from "node:child_process";
import { mkdirSync, statfsSync } from "node:fs";

export type DiskMethod = "tmpfs" | "prlimit" | "none";

const pageBytes = 4096;

/** A folder whose space can run out and come back. */
export interface Disk {
  readonly method: DiskMethod;
  /** Leaves about `leaveBytes`. `pid` is the process that writes there. */
  fill(leaveBytes: number, pid: number): void;
  free(pid: number): void;
  /** Takes the file system away; what lies on it is gone. */
  remove(): void;
}

/**
 * A file system of its own where mounting is allowed (root); otherwise a limit on the size of files (`prlimit`): both let a
 * write end in the middle. Node ignores SIGXFSZ, so that the limit comes back as EFBIG.
 */
export function makeDisk(folder: string, sizeBytes: number, wanted?: DiskMethod): Disk {
  mkdirSync(folder, { recursive: true });
  if (wanted === undefined || wanted === "tmpfs") {
    const mounted = mountTmpfs(folder, sizeBytes);
    if (mounted !== undefined) return mounted;
  }
  return wanted !== "none" && isInstalled("prlimit") ? fileSizeLimit : noDisk;
}

function mountTmpfs(folder: string, sizeBytes: number): Disk | undefined {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${sizeBytes}`, "tmpfs", folder], { stdio: "ignore" });
  } catch {
    return undefined; // not root
  }
  const resize = (bytes: number): void => {
    execFileSync("mount", ["-o", `remount,size=${bytes}`, folder], { stdio: "ignore" });
  };
  return {
    method: "tmpfs",
    fill(leaveBytes) {
      // Shrinking below what is used is refused, and it grows meanwhile.
      for (let attempt = 1; ; attempt += 1) {
        const { blocks, bfree, bsize } = statfsSync(folder);
        const bytes = (blocks - bfree) * bsize + Math.ceil((leaveBytes * attempt) / pageBytes + 1) * pageBytes;
        try {
          resize(bytes);
          return;
        } catch (error) {
          if (attempt === 20) throw error;
        }
      }
    },
    free() {
      resize(sizeBytes);
    },
    remove() {
      execFileSync("umount", ["-l", folder], { stdio: "ignore" });
    },
  };
}

const fileSizeLimit: Disk = {
  method: "prlimit",
  fill(leaveBytes, pid) {
    setLimit(pid, String(pageBytes + leaveBytes));
  },
  free(pid) {
    setLimit(pid, "unlimited");
  },
  remove() {
    // Nothing was made.
  },
};

function setLimit(pid: number, soft: string): void {
  try {
    execFileSync("prlimit", ["--pid", String(pid), `--fsize=${soft}:unlimited`], { stdio: "ignore" });
  } catch {
    // The process has ended meanwhile; a new one has no limit.
  }
}

const noDisk: Disk = {
  method: "none",
  fill() {
    // No way to fill it here.
  },
  free() {
    // It was not filled.
  },
  remove() {
    // Nothing was made.
  },
};

export function isInstalled(program: string): boolean {
  try {
    execFileSync("sh", ["-c", 'PATH="$PATH:/usr/sbin" command -v "$1"', "sh", program], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
