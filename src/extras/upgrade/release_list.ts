/**
 * Reads the list of releases, which the maintainer signs, and chooses a release of it (SEC-R37).
 *
 * The list is dated. A server that holds a release back could serve an old list, with a good
 * signature. So a list that is older than one seen before is refused. A list with a date to come would
 * make all later ones older, so it is refused, too.
 */

import { z } from "zod";
import { readMinisignKey, SignatureError, verifyMinisign } from "./minisign.ts";
import { compareVersions, isPreview, VERSION_FORM } from "../../lib/version_order.ts";
import { isRecord, parseForeignJson } from "../../lib/text/json.ts";
import { printable } from "../../lib/text/quoted.ts";
import { EXIT, StartError } from "../../cli/shared/exit_code.ts";

export const LIST_NAME = "releases.json";
export const SIGNATURE_NAME = `${LIST_NAME}.minisig`;

/** Trusted comment of the list's signature; other files are signed with the same key. */
export const LIST_COMMENT = "barnacle releases";

/** Milliseconds by which the clocks of this machine and of the maintainer may differ. */
const CLOCKS_MS = 24 * 3_600_000;

/** Largest list, in bytes: a release takes a kilobyte. */
export const LIST_MAX_BYTES = 2 ** 20;
export const SIGNATURE_MAX_BYTES = 4_096;

/** Changes if an old Barnacle must not read the list any more. */
const FORMAT = 1;

/** Folders and names without `..`, below the address of the releases. */
const PATH = /^(?:[\w-][\w.-]*\/)*[\w-][\w.-]*$/;

const PROGRAM_MAX_BYTES = 2 ** 30;

export const fileSchema = z.object({
  path: z.string().regex(PATH),
  size: z.int().positive().max(PROGRAM_MAX_BYTES), // in bytes
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

export type ReleaseFile = z.infer<typeof fileSchema>;

export const releaseSchema = z.object({
  version: z.string().regex(VERSION_FORM),
  date: z.iso.date(),
  schema: z.int().positive(), // number of the newest schema of its store
  files: z.record(z.string(), fileSchema), // programs by platform
});

export type Release = z.infer<typeof releaseSchema>;

export const listSchema = z.object({
  format: z.literal(FORMAT),
  issued: z.iso.datetime(), // when the list was made
  releases: z.array(releaseSchema).min(1),
});

export type ReleaseList = z.infer<typeof listSchema>;

const STAYS = "nothing was changed";

/**
 * Checks a list.
 *
 * @param publicKey As minisign writes it.
 * @param source Where the list is from, for errors.
 * @throws {StartError} If it is not to be trusted, or of another format.
 */
export function readReleaseList(
  { text, signature }: { readonly text: Uint8Array; readonly signature: string },
  publicKey: string,
  { seen, now }: {
    /** When the newest list was made that this program has seen. */
    readonly seen: string | undefined;
    readonly now: number;
  },
  source: string,
): ReleaseList {
  try {
    const comment = verifyMinisign(text, signature, readMinisignKey(publicKey));
    if (comment !== LIST_COMMENT) {
      throw new SignatureError(
        `the signature is of "${printable(comment)}", not of "${LIST_COMMENT}"`,
      );
    }
  } catch (cause) {
    if (!(cause instanceof SignatureError)) throw cause;
    throw new StartError(
      `do not trust ${source}: ${cause.message}; ${STAYS}. Try again, or read the list from another ` +
        "place with --from; if it stays so, tell the maintainers",
      EXIT.failed,
      cause,
    );
  }
  const found = parseForeignJson(new TextDecoder().decode(text));
  const { data, error } = listSchema.safeParse(found);
  if (!data) {
    const format = isRecord(found) ? found["format"] : undefined;
    const why = typeof format === "number" && format > FORMAT
      ? `it has format ${format}, and this Barnacle reads format ${FORMAT}. Install the newest ` +
        "release by hand once (docs/upkeep.md)"
      : `it is damaged (${
        printable(error?.issues[0]?.path.join(".") || "no JSON")
      }). Please report it`;
    throw new StartError(`cannot use ${source}: ${why}; ${STAYS}`, EXIT.failed);
  }
  const latest = now + CLOCKS_MS;
  if (Date.parse(data.issued) > latest) {
    throw new StartError(
      `the list of releases in ${source} is of ${data.issued}, and here it is ` +
        `${
          new Date(now).toISOString()
        }; ${STAYS}. Set the clock of this machine; if it is right, ` +
        "tell the maintainers",
      EXIT.failed,
    );
  }
  // A time to come was noted while the clock was wrong.
  if (
    seen !== undefined && Date.parse(data.issued) < Date.parse(seen) && Date.parse(seen) <= latest
  ) {
    throw new StartError(
      `the list of releases in ${source} is of ${data.issued}, older than the one of ${seen} seen ` +
        `before; ${STAYS}. Try again later, or read the list from another place with --from`,
      EXIT.failed,
    );
  }
  return data;
}

/** The newest release that is no preview; `undefined` if there are only previews. */
export function newestOf({ releases }: ReleaseList): Release | undefined {
  return releases.filter(({ version }) => !isPreview(version))
    .toSorted((one, other) => compareVersions(other.version, one.version))[0];
}

/**
 * Finds the release of a version.
 *
 * @throws {StartError} If the list has none.
 */
export function releaseOf({ releases }: ReleaseList, wanted: string): Release {
  const version = wanted.replace(/^v/, "");
  const found = releases.find((release) => release.version === version);
  if (found) return found;
  const known = releases.map((release) => release.version)
    .toSorted((one, other) => compareVersions(other, one));
  throw new StartError(
    `there is no release ${printable(wanted)}; the list has ${known.slice(0, 10).join(", ")}`,
    EXIT.usage,
  );
}

/**
 * Finds the program for a platform.
 *
 * @throws {StartError} If the release has none.
 */
export function fileFor({ version, files }: Release, platform: string): ReleaseFile {
  const file = Object.entries(files).find(([name]) => name === platform)?.[1];
  if (file) return file;
  throw new StartError(
    `release ${version} has no program for ${platform}, only for ${
      Object.keys(files).join(", ")
    }; ` +
      "build it from source (docs/internals/releases.md)",
    EXIT.failed,
  );
}
