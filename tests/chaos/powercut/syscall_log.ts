/**
 * Reads a process's file and socket operations from one ordered strace log.
 *
 * After a power cut, the disk has the synced data, and the network has all sent data. Both are in
 * this one log, so the power can fail at each of its lines.
 *
 * Sent bytes count from the beginning of the call, because the network may have them by then. Disk
 * operations count from the end of the call, because nothing is promised before.
 */

import { Buffer } from "node:buffer";

/** One operation; files by their path, connections by `local->remote`. */
export type Syscall =
  | { readonly kind: "write"; readonly path: string; readonly at: number; readonly data: Buffer }
  | { readonly kind: "truncate"; readonly path: string; readonly size: number }
  | { readonly kind: "sync" | "create" | "unlink"; readonly path: string }
  | { readonly kind: "rename"; readonly path: string; readonly to: string }
  | { readonly kind: "sent" | "received"; readonly link: Link; readonly data: Buffer };

export interface Link {
  /** The same for all operations of a connection: `127.0.0.1:50058->127.0.0.1:43483`. */
  readonly name: string;
  readonly remotePort: number;
}

/** The path of strace. */
export const STRACE = "/usr/bin/strace";

/**
 * Arguments of strace for a log that {@link readSyscalls} can read; `-o`, a file and the program
 * follow.
 */
export const STRACE_ARGS: readonly string[] = [
  "-D", // the program stays our child, with its own signals and end
  "-f",
  "-q",
  "-yy",
  "-xx",
  "-s",
  "4000000",
  "--seccomp-bpf", // other calls run at full speed
  "-e",
  "trace=write,pwrite64,writev,pwritev,pwritev2,sendto,sendmsg,read,recvfrom,readv,recvmsg," +
  "fsync,fdatasync,ftruncate,rename,renameat,renameat2,unlink,unlinkat,open,openat",
  "-e",
  "signal=none",
];

/** `1234 text`, where the text is a call, its beginning or its end. */
const LINE = /^(\d+) +(.*)$/;
const BEGUN = / <unfinished \.\.\.>$/;
const GONE_ON = /^<\.\.\. \w+ resumed>/;
const CALL = /^(\w+)\((.*)\) += (-?\d+)(?:<(.*)>)?/;
const DESCRIPTOR = /^\d+<(TCP[^\]]*\]|[^>]*)>/;
const CONNECTION = /^TCP(?:v6)?:\[(.+->.+:(\d+))\]$/;
const TEXT = /"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?/g;

interface Call {
  readonly name: string;
  readonly args: string;
  readonly result: number;
  /** The file or connection of the returned descriptor. */
  readonly opened: string | undefined;
}

/**
 * Reads a log of strace, called with {@link STRACE_ARGS}.
 *
 * @throws {SyntaxError} If bytes are missing, because a reconstruction without them proves nothing.
 */
export function readSyscalls(log: string): readonly Syscall[] {
  const begun = new Map<string, { readonly text: string; readonly place: number }>();
  const found: (Syscall | undefined)[] = [];
  for (const line of log.split("\n")) {
    const [, thread = "", text = ""] = LINE.exec(line) ?? [];
    if (BEGUN.test(text)) {
      begun.set(thread, { text: text.replace(BEGUN, ""), place: found.length });
      found.push(undefined);
      continue;
    }
    const beginning = GONE_ON.test(text) ? begun.get(thread) : undefined;
    const call = toCall((beginning?.text ?? "") + text.replace(GONE_ON, ""));
    if (!call || call.result < 0) continue;
    for (const syscall of toSyscalls(call)) {
      if (beginning && syscall.kind === "sent") found[beginning.place] = syscall;
      else found.push(syscall);
    }
  }
  return found.filter((one) => one !== undefined);
}

function toCall(text: string): Call | undefined {
  const [, name, args = "", result, opened] = CALL.exec(text) ?? [];
  return name === undefined ? undefined : { name, args, result: Number(result), opened };
}

function toSyscalls({ name, args, result, opened }: Call): readonly Syscall[] {
  const target = DESCRIPTOR.exec(args)?.[1] ?? "";
  switch (name) {
    case "fsync":
    case "fdatasync":
      return [{ kind: "sync", path: toText(target) }];
    case "ftruncate":
      return [{ kind: "truncate", path: toText(target), size: numberAtEnd(args) }];
    case "open":
    case "openat":
      return args.includes("O_CREAT") ? [{ kind: "create", path: toText(opened ?? "") }] : [];
    case "unlink":
    case "unlinkat":
      return [{ kind: "unlink", path: bytesOf(args).toString() }];
    case "rename":
    case "renameat":
    case "renameat2": {
      const [path = "", to = ""] = [...args.matchAll(TEXT)].map(([, text = ""]) => toText(text));
      return [{ kind: "rename", path, to }];
    }
  }
  const [, link, port] = CONNECTION.exec(target) ?? [];
  if (link !== undefined) {
    if (args.includes("MSG_PEEK") || result === 0) return [];
    const kind = /^(?:write|send)/.test(name) ? "sent" : "received";
    const data = bytesOf(args).subarray(0, result);
    return [{ kind, link: { name: link, remotePort: Number(port) }, data }];
  }
  if (!name.startsWith("pwrite")) return []; // pipes, clocks, and unrelated files
  const at = name === "pwritev2" ? numberAtEnd(args.replace(/, [^,]*$/, "")) : numberAtEnd(args);
  return [{ kind: "write", path: toText(target), at, data: bytesOf(args).subarray(0, result) }];
}

const numberAtEnd = (args: string): number => Number(/(-?\d+)$/.exec(args)?.[1]);

/** The bytes of a call's argument or result, in one piece. */
function bytesOf(args: string): Buffer {
  const pieces = [...args.matchAll(TEXT)].map(([, text = "", isCut]) => {
    if (isCut !== undefined) throw new SyntaxError("strace has cut a call's bytes: raise its -s");
    return Buffer.from(text.replaceAll("\\x", ""), "hex");
  });
  return Buffer.concat(pieces);
}

function toText(escaped: string): string {
  return escaped.replace(
    /(?:\\x[0-9a-f]{2})+/g,
    (run) => Buffer.from(run.replaceAll("\\x", ""), "hex").toString(),
  );
}
