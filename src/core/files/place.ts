/**
 * Reads `files.url`: the place of workspaces and of kept files, if several processes share them (O17).
 */

/** The place of the files of a bot. */
export type FilesPlace =
  /** The data directory of each process. */
  | { readonly kind: "here" }
  /** A folder that all processes reach, such as a mount. */
  | { readonly kind: "folder"; readonly path: string }
  /** Objects of a bucket. `prefix` is empty or ends with a slash. */
  | { readonly kind: "bucket"; readonly bucket: string; readonly prefix: string };

/** The names that S3 gives to buckets. */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
/** Characters of a prefix that every server takes as they are. */
const PREFIX = /^[A-Za-z0-9_-]+(?:[./][A-Za-z0-9_-]+)*$/;
/** A longer prefix leaves too little room for keys. */
const MAX_PREFIX = 200;

/** The fault of a value of `files.url`; `undefined` if it has none. */
export function filesFault(written: string): string | undefined {
  if (!URL.canParse(written)) return FORMS;
  const url = new URL(written);
  if (url.search !== "" || url.hash !== "" || url.username !== "" || url.password !== "") {
    return "it has more than a path";
  }
  switch (url.protocol) {
    case "file:":
      if (url.hostname !== "") return "write file:/// and the absolute path of the folder";
      return /%00|%(?![0-9a-f]{2})/i.test(url.pathname) || folderOf(url).length < 2
        ? "it names no folder"
        : undefined;
    case "s3:": {
      const prefix = prefixOf(url);
      if (!BUCKET.test(url.hostname)) return "it names no bucket";
      return prefix === "" || (PREFIX.test(prefix) && prefix.length <= MAX_PREFIX)
        ? undefined
        : "its prefix may have letters, digits, and single / . _ - between them";
    }
    default:
      return FORMS;
  }
}

const FORMS = "write file:///folder, or s3://bucket/prefix";

/** The place that a valid value names; without one, the data directory. */
export function filesPlaceOf(
  { url: written }: { readonly url?: string | undefined } = {},
): FilesPlace {
  if (written === undefined) return { kind: "here" };
  const url = new URL(written);
  if (url.protocol === "file:") return { kind: "folder", path: folderOf(url) };
  const prefix = prefixOf(url);
  return { kind: "bucket", bucket: url.hostname, prefix: prefix === "" ? "" : `${prefix}/` };
}

/** `"/C:/files"` is `"C:/files"` on Windows. */
function folderOf({ pathname }: URL): string {
  const path = decodeURIComponent(pathname).replace(/\/+$/, "");
  return /^\/[A-Za-z]:/.test(path) ? path.slice(1) : path;
}

function prefixOf({ pathname }: URL): string {
  return pathname.replace(/^\/+|\/+$/g, "");
}

/** The folder that has the folders of agents and the kept files of people. */
export function filesFolderOf(
  { files }: { readonly files?: { readonly url?: string | undefined } },
  dataDir: string,
): string {
  const place = filesPlaceOf(files);
  return place.kind === "folder" ? place.path : dataDir;
}
