/**
 * Reads releases from their address, from a mirror, or from a folder.
 *
 * Nothing that comes from there is trusted: the list has a signature, and the programs have their
 * size and hash in the list. So a mirror, a proxy and plain HTTP may be used.
 */

import { createReadStream } from "node:fs";
import { basename, join, resolve } from "node:path";
import { codeOf } from "../../lib/errors.ts";
import { printable } from "../../lib/text/quoted.ts";
import { sizeOf } from "../../lib/text/units.ts";
import { RELEASES_URL, VERSION } from "../../version.ts";
import { EXIT, StartError } from "../../cli/shared/exit_code.ts";

export interface ReleaseSource {
  /** Name of a file for people: an address or a path. */
  readonly nameOf: (path: string) => string;
  /**
   * Reads a small file beside the list.
   *
   * @throws {StartError} If it cannot be read, or is larger.
   */
  readonly readSmall: (name: string, maxBytes: number) => Promise<Uint8Array>;
  /**
   * Opens the program of a release.
   *
   * @param path The path that the list names.
   * @throws {StartError} Each step, if it cannot be read.
   */
  readonly open: (path: string) => AsyncGenerator<Uint8Array, void>;
}

/** Milliseconds without any byte after which a download has failed. */
const IDLE_MS = 30_000;

const NEXT = "nothing was changed. Try again later, or name another place with --from";

/**
 * Chooses the place.
 *
 * @param from `--from`: an address or a folder; absent: the project's own.
 * @throws {StartError} If there is none.
 */
export function openSource(from: string | undefined, cwd: string): ReleaseSource {
  if (from === undefined && RELEASES_URL === "") {
    throw new StartError(
      "this build knows no address of releases; name a folder or an address with --from",
      EXIT.failed,
    );
  }
  if (from === undefined) {
    return sourceOf(
      readUrl,
      (name) => `${RELEASES_URL}/latest/download/${name}`,
      (path) => [`${RELEASES_URL}/download/${path}`],
    );
  }
  // A mirror has a folder for each release; the files of one release may also be beside the list.
  if (/^https?:\/\//i.test(from) && URL.canParse(from)) {
    const at = (path: string) => `${from.replace(/\/+$/, "")}/${path}`;
    return sourceOf(readUrl, at, (path) => [at(path), at(basename(path))]);
  }
  if (/^[a-z][a-z\d+.-]+:\/\//i.test(from)) {
    throw new StartError(
      `--from takes a folder, or an address with https or http, not ${shown(from)}`,
      EXIT.usage,
    );
  }
  const at = (path: string) => join(resolve(cwd, from), path);
  return sourceOf(readFile, at, (path) => [at(path), at(basename(path))]);
}

/** The file is not there; another place may have it. */
class MissingError extends StartError {}

function sourceOf(
  read: (place: string) => AsyncGenerator<Uint8Array, void>,
  listPlace: (name: string) => string,
  filePlaces: (path: string) => readonly string[],
): ReleaseSource {
  return {
    nameOf: (name) => shown(listPlace(name)),
    async readSmall(name, maxBytes) {
      const place = listPlace(name);
      const chunks: Uint8Array[] = [];
      let size = 0;
      for await (const chunk of read(place)) {
        size += chunk.length;
        if (size > maxBytes) {
          throw new StartError(
            `${shown(place)} has more than ${sizeOf(maxBytes)}; ${NEXT}`,
            EXIT.failed,
          );
        }
        chunks.push(chunk);
      }
      return new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer());
    },
    async *open(path) {
      let problem: unknown;
      for (const place of filePlaces(path)) {
        try {
          yield* read(place);
          return;
        } catch (error) {
          if (!(error instanceof MissingError)) throw error;
          problem ??= error;
        }
      }
      throw problem;
    },
  };
}

/** An address or a path on one line, without a password. */
function shown(place: string): string {
  return printable(place.replace(/^(https?:\/\/)[^/?#]*@/i, "$1"));
}

async function* readUrl(url: string): AsyncGenerator<Uint8Array, void> {
  const idle = new AbortController();
  let timer = setTimeout(() => idle.abort(), IDLE_MS);
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => idle.abort(), IDLE_MS);
  };
  try {
    const response = await fetch(url, {
      signal: idle.signal,
      headers: { "user-agent": `barnacle/${VERSION}`, "accept-encoding": "identity" },
    });
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      const problem = `${shown(url)} answers ${response.status}; ${NEXT}`;
      if (response.status === 404) throw new MissingError(problem, EXIT.tryAgain);
      throw new StartError(problem, EXIT.tryAgain);
    }
    for await (const chunk of response.body) {
      alive();
      yield chunk;
    }
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    const why = idle.signal.aborted
      ? `nothing came for ${IDLE_MS / 1_000} s`
      : codeOf(cause) ?? (cause instanceof Error ? cause.message : String(cause));
    throw new StartError(
      `cannot read ${shown(url)} (${printable(why)}); ${NEXT}`,
      EXIT.tryAgain,
      cause,
    );
  } finally {
    clearTimeout(timer);
  }
}

async function* readFile(path: string): AsyncGenerator<Uint8Array, void> {
  try {
    for await (const chunk of createReadStream(path)) {
      if (chunk instanceof Uint8Array) yield chunk;
    }
  } catch (cause) {
    const code = codeOf(cause) ?? "unknown reason";
    const problem = `cannot read ${
      shown(path)
    } (${code}); nothing was changed. Check the folder of --from`;
    if (code === "ENOENT") throw new MissingError(problem, EXIT.io, cause);
    throw new StartError(problem, EXIT.io, cause);
  }
}
