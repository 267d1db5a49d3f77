/**
 * Watches the memory, the processes and the disk of programs that Barnacle starts (SEC-R22).
 *
 * The free room of the disk costs one call to read, and says whether adding up the files is worth
 * it. Other programs change that room, too, so only the files decide, as long as they can be
 * counted.
 */

import process from "node:process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { access, lstat, readdir, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { inTime, schedule } from "../../lib/clock.ts";
import type { PassedLimit, ProgramBounds, ProgramLimits } from "../../lib/program_limits.ts";
import { PROC } from "../process/boot.ts";

/** Linux's numbers of file systems that another machine may change or lose (`statfs(2)`). */
const NETWORK: Readonly<Record<number, string>> = {
  0x6969: "NFS",
  0x517b: "SMB",
  0xff534d42: "SMB",
  0xfe534d42: "SMB",
  0x01021997: "9P",
  0x00c36400: "Ceph",
};

/** The facts, of the nearest folder that exists; some file systems do not tell them. */
export async function readDisk(path: string): Promise<{
  readonly path: string;
  readonly freeBytes: number | undefined;
  readonly network: string | undefined;
}> {
  const found = await answered(statfs(nearestOf(path)));
  return {
    path,
    freeBytes: found && found.bavail * found.bsize,
    network: process.platform === "linux" && found ? NETWORK[found.type] : undefined,
  };
}

/** The directory, or its nearest parent that exists. */
export function nearestOf(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestOf(dirname(path));
}

/** Whether a file is there; `false` too if its disk does not answer. */
export async function isThere(path: string): Promise<boolean> {
  return await answered(access(path).then(() => true)) ?? false;
}

/** Milliseconds after which a disk, such as one of an absent server, counts as not answering. */
const PATIENCE_MS = 2_000;

const answered = <Found>(asked: Promise<Found>): Promise<Found | undefined> =>
  inTime(asked.catch(() => undefined), PATIENCE_MS, schedule, () => undefined);

const MAX_FILES = 20_000;
/**
 * Bytes that the disk must lose until the files are added up again, and that a program may add to a
 * folder that is too large already: whether another program wrote meanwhile decides nothing.
 */
const STEP_BYTES = 16 * 1024 * 1024;
/** Looks after which the files are added up in any case, because others may have freed room. */
const LOOKS = 50;
/** Room that stays for Barnacle's own data. */
const RESERVE_BYTES = 128 * 1024 * 1024;
/** Number of new files, on a disk that counts them. */
const MAX_NEW_FILES = 200_000;
/** Bytes of a block of `lstat`. */
const BLOCK = 512;

/** Creates a watch, whose first look tells the state before the program. */
export function createDiskWatch(folder: string, diskBytes: number) {
  let first: Promise<DiskRoom | undefined> | undefined;
  let firstFiles: Promise<number | undefined> | undefined;
  let counted: number | undefined;
  let looks = 0;
  const begin = () => {
    firstFiles ??= bytesIn(folder);
    return first ??= roomOf(folder);
  };
  void begin();
  return {
    /** Whether the folders have passed their limit, or the disk is nearly full by this program. */
    async isPassed(): Promise<boolean> {
      const before = await begin();
      const now = await roomOf(folder);
      if (!before || !now) return false;
      // Room that others free must not hide what the program writes next.
      counted = Math.max(counted ?? before.bytes, now.bytes);
      looks += 1;
      const lost = before.bytes - now.bytes;
      if (before.files - now.files > MAX_NEW_FILES) return true;
      if (now.bytes < RESERVE_BYTES && lost > STEP_BYTES) return true;
      if (counted - now.bytes < STEP_BYTES && looks % LOOKS !== 0) return false;
      counted = now.bytes;
      const [filesBefore, files] = [await firstFiles, await bytesIn(folder)];
      // Too many files to add them up: the disk tells how much the program took.
      if (filesBefore === undefined || files === undefined) return lost > diskBytes;
      return files > diskBytes && files - filesBefore >= STEP_BYTES;
    },
  };
}

interface DiskRoom {
  readonly bytes: number;
  readonly files: number;
}

async function roomOf(folder: string): Promise<DiskRoom | undefined> {
  const found = await statfs(folder).catch(() => undefined);
  return found && { bytes: found.bavail * found.bsize, files: found.ffree };
}

/** The room that the files of a folder take; `undefined` if there are too many. */
async function bytesIn(folder: string): Promise<number | undefined> {
  let bytes = 0;
  let files = 0;
  const open = [folder];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
    files += entries.length;
    if (files > MAX_FILES) return undefined;
    for (const entry of entries) {
      const child = join(path, entry.name);
      if (entry.isDirectory()) open.push(child);
      const found = await lstat(child).catch(() => undefined);
      bytes += (found?.blocks ?? 0) * BLOCK;
    }
  }
  return bytes;
}

const KIB = 1_024;

/**
 * Reads the tree of a program.
 *
 * @param most Processes after which the reading ends.
 * @param enough Bytes up to which an estimate that is too high is good enough.
 */
export function readTree(pid: number, most: number, enough: number, proc = PROC): {
  /** Number of its processes. */
  readonly processes: number;
  /** Memory of all processes together, with what they share counted once as far as known. */
  readonly memoryBytes: number;
} {
  const found = [pid];
  for (let at = 0; at < found.length && found.length <= most; at++) {
    found.push(...childrenOf(found[at] ?? 0, proc));
  }
  let resident = 0;
  for (const one of found) resident += kib(readProc(`${proc}/${one}/status`), "VmRSS");
  if (resident <= enough) return { processes: found.length, memoryBytes: resident };
  // Pages that processes share count in each of them above; this is exact, and slower.
  let exact = 0;
  for (const one of found) exact += shareOf(one, proc);
  return { processes: found.length, memoryBytes: exact };
}

function childrenOf(pid: number, proc: string): readonly number[] {
  let threads: readonly string[];
  try {
    threads = readdirSync(`${proc}/${pid}/task`);
  } catch {
    return []; // it has ended
  }
  return threads.flatMap((thread) => {
    const text = readProc(`${proc}/${pid}/task/${thread}/children`)?.trim();
    return text ? text.split(" ").map(Number) : [];
  });
}

/** The part of a process in the memory of all; without the right to read that, its own memory. */
function shareOf(pid: number, proc: string): number {
  const shares = readProc(`${proc}/${pid}/smaps_rollup`);
  return shares === undefined
    ? kib(readProc(`${proc}/${pid}/status`), "RssAnon")
    : kib(shares, "Pss");
}

/** Bytes that a file of the kernel tells in KiB; 0 for a process that has ended. */
function kib(text: string | undefined, name: string): number {
  const line = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text ?? "");
  return Number(line?.[1] ?? 0) * KIB;
}

/** Bytes of memory that the whole machine has left, and of all; `undefined` if it is not told. */
export function machineMemory(proc = PROC): { free: number; all: number } | undefined {
  const text = readProc(`${proc}/meminfo`);
  const all = kib(text, "MemTotal");
  return all === 0 ? undefined : { free: kib(text, "MemAvailable"), all };
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // the process has ended, or the kernel has no such file
  }
}

const PRLIMIT = ["/usr/bin/prlimit", "/bin/prlimit"];
/** Milliseconds between two looks. A program fills some 100 MB meanwhile. */
const LOOK_MS = 200;
/** Milliseconds between two looks at a program that has run for a while, such as an MCP server. */
const LATER_MS = 1_000;
const QUICK_LOOKS = 150;
/** Part of the machine's memory that must stay free. */
const FREE_SHARE = 0.03;
/** Number of processes of the sandbox itself. */
const OF_SANDBOX = 4;
/** How much rather the kernel ends a program than Barnacle, if memory is out. */
const OOM_SCORE = "500";

/** The limits of this machine. */
export const PROGRAM_BOUNDS: ProgramBounds = {
  prlimit: PRLIMIT.find((place) => existsSync(place)),
  watch(pid, limits, folders, onPassed) {
    let cancel = () => {};
    let isOver = false;
    let looks = 0;
    preferAtShortage(pid);
    const disks = folders.map((folder) => createDiskWatch(folder, limits.diskBytes));
    const look = async () => {
      const passed = memoryPassed(pid, limits) ?? await diskPassed(disks);
      if (isOver) return;
      if (passed) return onPassed(passed);
      cancel = schedule(() => void look(), ++looks > QUICK_LOOKS ? LATER_MS : LOOK_MS);
    };
    cancel = schedule(() => void look(), LOOK_MS);
    return () => {
      isOver = true;
      cancel();
    };
  },
};

function memoryPassed(pid: number, limits: ProgramLimits): PassedLimit | undefined {
  const processes = limits.processes + OF_SANDBOX;
  const tree = readTree(pid, processes, limits.memoryBytes);
  if (tree.memoryBytes > limits.memoryBytes) return "memory";
  if (tree.processes > processes) return "processes";
  // Files in memory and shared memory are in no process.
  const machine = machineMemory();
  return machine && machine.free < machine.all * FREE_SHARE ? "memory" : undefined;
}

async function diskPassed(
  disks: readonly ReturnType<typeof createDiskWatch>[],
): Promise<PassedLimit | undefined> {
  for (const disk of disks) if (await disk.isPassed()) return "disk";
  return undefined;
}

function preferAtShortage(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, OOM_SCORE);
  } catch {
    // it has ended, or the system has no such file
  }
}
