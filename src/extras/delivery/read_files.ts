/**
 * Reads the files that `barnacle send` attaches.
 *
 * A file is opened once, and the open file is checked: a path may change between a check and a
 * reading. Only regular files on a disk can be sent, because others tell secrets of the host or
 * never end.
 */

import { realpathSync } from "node:fs";
import { basename, join, resolve, sep } from "node:path";
import type { OutboundFile } from "../../core/outbound/outbound.ts";
import { FileRefusedError, withRegularFile } from "../../host/files/read_bounded.ts";
import { sizeOf } from "../../lib/text/units.ts";
import { printable } from "../../lib/text/quoted.ts";
import { EXIT, StartError } from "../../cli/shared/exit_code.ts";
import { whyUnreadable } from "../../cli/shared/read_config.ts";
import type { Io } from "../../cli/terminal/io.ts";

export interface FileFlags {
  /** Paths of files to attach. */
  readonly file?: readonly string[];
  /** Descriptions, in the order of the files. */
  readonly alt?: readonly string[];
}

/**
 * Reads the files, and names the target of each link.
 *
 * @throws {StartError} If a file cannot be read, or is too large to send.
 */
export function readFiles(
  { file = [], alt = [] }: FileFlags,
  maxBytes: number,
  io: Io,
): readonly OutboundFile[] {
  if (alt.length > file.length) {
    throw new StartError("more --alt than --file", EXIT.usage);
  }
  return file.map((path, index) => {
    const about = alt[index];
    return { name: basename(path), alt: about, bytes: bytesOf(path, maxBytes, io) };
  });
}

function bytesOf(path: string, maxBytes: number, io: Io): OutboundFile["bytes"] {
  let named = printable(path);
  try {
    named = nameOf(path, realpathSync(path));
    return withRegularFile(path, (file) => {
      named = nameOf(path, file.realPath); // a link may have changed meanwhile
      if (named !== printable(path)) io.err(`Sending ${named}`);
      if (file.size > maxBytes) throw tooLarge(named, file.size, maxBytes);
      return file.read(maxBytes);
    });
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(fileProblem(named, error, maxBytes), EXIT.usage, error);
  }
}

/**
 * A path, with its target if it or a folder of it is a link: a link's name tells nothing about the
 * sent file. Folders of the root are links on some systems, such as `/tmp`, so these do not count.
 */
function nameOf(path: string, realPath: string): string {
  const [, first = "", ...rest] = resolve(path).split(sep);
  const own = rest.length === 0 ? resolve(path) : join(realpathSync(`${sep}${first}`), ...rest);
  return own === realPath
    ? printable(path)
    : `${printable(path)} (a link to ${printable(realPath)})`;
}

function fileProblem(named: string, error: unknown, maxBytes: number): string {
  if (!(error instanceof FileRefusedError)) {
    return `cannot read ${named}: ${whyUnreadable(error)}`;
  }
  switch (error.code) {
    case "EFBIG":
      return `${named} is too large: it grows, and channels.discord.mediaMaxMb allows ` +
        sizeOf(maxBytes);
    case "EISDIR":
      return `cannot send ${named}: it is a directory`;
    case "ENODEV":
      return `cannot send ${named}: it is not a regular file`;
    case "ENOTSUP":
      return `cannot send ${named}: the system makes it up, and it is on no disk`;
  }
}

function tooLarge(named: string, size: number, maxBytes: number): StartError {
  return new StartError(
    `${named} is too large: ${sizeOf(size)}, but channels.discord.mediaMaxMb allows ` +
      sizeOf(maxBytes),
    EXIT.usage,
  );
}
