/**
 * Declares the limits of programs that Barnacle starts, and how a program gets them (SEC-R22).
 *
 * One process may take all memory and all disk of a machine within seconds. So each process gets
 * limits of the kernel, and Barnacle watches the whole program.
 */

export interface ProgramLimits {
  /** Memory of all its processes together. */
  readonly memoryBytes: number;
  /** Its folder for temporary files, which is memory, too. */
  readonly tempBytes: number;
  /** Size of the folders that it may write to, and that stay. */
  readonly diskBytes: number;
  /** Number of its processes. */
  readonly processes: number;
}

export type PassedLimit = "memory" | "disk" | "processes";

export interface ProgramLaunch {
  readonly file: string;
  readonly args: readonly string[];
}

export interface ProgramBounds {
  /** Path of `prlimit`, which sets limits of a process; `undefined` if this machine has none. */
  readonly prlimit: string | undefined;
  /**
   * Watches a program that has started.
   *
   * @param folders The folders whose size counts.
   * @param onPassed Called once, with the limit that it has passed: the program must be ended.
   * @returns Ends the watch.
   */
  readonly watch: (
    pid: number,
    limits: ProgramLimits,
    folders: readonly string[],
    onPassed: (limit: PassedLimit) => void,
  ) => () => void;
}

/** Bytes of a megabyte, as keys of the config count it. */
export const MB: number = 1024 * 1024;

/** Maximum bytes of a file of a command. */
export const MAX_FILE_BYTES: number = 64 * MB;

export interface WrittenLimits {
  /** As {@link ProgramLimits.memoryBytes}, in megabytes. */
  readonly memoryMb: number;
  /** As {@link ProgramLimits.tempBytes}, in megabytes. */
  readonly tempMb: number;
  /** As {@link ProgramLimits.diskBytes}, in megabytes. */
  readonly diskMb: number;
}

export const EXEC_LIMITS: WrittenLimits = { memoryMb: 512, tempMb: 256, diskMb: 1_024 };

/** The limits of a program of an MCP server, which may be a browser. */
export const MCP_LIMITS: WrittenLimits = { memoryMb: 2_048, tempMb: 512, diskMb: 2_048 };

export function programLimitsOf(
  { memoryMb, tempMb, diskMb }: WrittenLimits,
  processes: number,
): ProgramLimits {
  return { memoryBytes: memoryMb * MB, tempBytes: tempMb * MB, diskBytes: diskMb * MB, processes };
}

/**
 * Puts a program under limits of each of its processes, if this machine can set them.
 *
 * Programs reserve more memory than they use, so one process may reserve twice the limit of all: the
 * watch of the used memory comes first, and names the reason.
 *
 * @param prlimit As {@link ProgramBounds.prlimit}.
 * @param fileBytes Maximum size of a file.
 * @param further More options of `prlimit`.
 */
export function withLimits(
  { file, args }: ProgramLaunch,
  prlimit: string | undefined,
  { memoryBytes }: ProgramLimits,
  fileBytes: number,
  further: readonly string[] = [],
): ProgramLaunch {
  if (prlimit === undefined) return { file, args };
  const options = ["--core=0", `--data=${2 * memoryBytes}`, `--fsize=${fileBytes}`, ...further];
  return { file: prlimit, args: [...options, "--", file, ...args] };
}

/** Bytes of a folder that only holds mount points. */
const EMPTY_BYTES = MB;

/** Finds bubblewrap in the folders of `PATH`. */
export function bubblewrapIn(path: string, exists: (file: string) => boolean): string | undefined {
  const folders = path.split(":").filter((folder) => folder.startsWith("/"));
  return folders.map((folder) => `${folder}/bwrap`).find(exists);
}

/** Options of bubblewrap for a folder in memory, of a bounded size. */
export function memoryFolder(path: string, bytes = EMPTY_BYTES): readonly string[] {
  return ["--size", `${bytes}`, "--tmpfs", path];
}

/** Options of bubblewrap for `/dev` without room for files outside the bounded `/dev/shm`. */
export function deviceFolder(bytes: number): readonly string[] {
  return ["--dev", "/dev", ...memoryFolder("/dev/shm", bytes), "--remount-ro", "/dev"];
}

/** Says in words that a program passed a limit. */
export function passedText(limit: PassedLimit, limits: ProgramLimits): string {
  const mb = (bytes: number) => `${Math.round(bytes / MB)} MB`;
  switch (limit) {
    case "memory":
      return `it took more than ${mb(limits.memoryBytes)} of memory`;
    case "disk":
      return `its files passed ${mb(limits.diskBytes)}, or the disk is full`;
    case "processes":
      return `it had more than ${limits.processes} processes`;
  }
}
