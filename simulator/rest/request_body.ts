/**
 * Parses the body of a request: JSON, or a form with JSON and files.
 *
 * @see {@link https://docs.discord.com/developers/reference#uploading-files}
 */

import type { UploadedFile } from "./message_body.ts";
import { REFUSALS, type Refused, refuseForm } from "../world/refusals.ts";
import type { LoggedFile } from "../notes/request_log.ts";

/** Maximum bytes of a body: one file of the highest boost level, and its form fields. */
const MAX_BODY_BYTES = 101 * 1024 * 1024;

export type ReadBody =
  | {
    readonly kind: "read";
    readonly body: unknown;
    readonly files: readonly (UploadedFile & LoggedFile)[];
  }
  | { readonly kind: "refused"; readonly refused: Refused };

const EMPTY: ReadBody = { kind: "read", body: undefined, files: [] };

export async function readBody(request: Request): Promise<ReadBody> {
  if (request.method === "GET" || request.method === "HEAD") return EMPTY;
  if (Number(request.headers.get("content-length") ?? 0) > MAX_BODY_BYTES) {
    return { kind: "refused", refused: REFUSALS.tooLarge };
  }
  const type = request.headers.get("content-type") ?? "";
  if (type.startsWith("multipart/form-data")) return await readForm(request);
  let text: string;
  try {
    text = await request.text();
  } catch {
    return { kind: "refused", refused: REFUSALS.invalidJson }; // the client left
  }
  if (text === "") return EMPTY;
  if (!type.startsWith("application/json")) return wrongType(type);
  return readJson(text, []);
}

async function readForm(request: Request): Promise<ReadBody> {
  let form: FormData;
  try {
    form = await request.formData();
  } catch {
    return wrongType("multipart/form-data that cannot be read"); // the client gets the error
  }
  const files: (UploadedFile & LoggedFile)[] = [];
  // A sticker is the only thing with plain fields beside one file.
  const sticker = form.get("file");
  if (sticker !== null && typeof sticker !== "string") {
    const fields = [...form].filter(([, value]) => typeof value === "string");
    const { name: filename, size: sizeBytes } = sticker;
    const file = { field: "file", index: 0, filename, sizeBytes };
    return { kind: "read", body: Object.fromEntries(fields), files: [file] };
  }
  for (const [field, value] of form) {
    if (field === "payload_json") continue;
    const index = /^files\[(\d)\]$/.exec(field)?.[1];
    if (index === undefined || typeof value === "string") {
      return refuseForm({
        path: [field],
        code: "UNKNOWN_FIELD",
        message: "The simulator takes payload_json and files[0] to files[9]",
      });
    }
    files.push({
      field,
      index: Number(index),
      filename: value.name,
      sizeBytes: value.size,
      bytes: new Uint8Array(await value.arrayBuffer()),
      ...(value.type && { contentType: value.type }),
    });
  }
  const payload = form.get("payload_json");
  return readJson(typeof payload === "string" ? payload : "{}", files);
}

function readJson(text: string, files: readonly (UploadedFile & LoggedFile)[]): ReadBody {
  try {
    return { kind: "read", body: JSON.parse(text), files };
  } catch {
    return { kind: "refused", refused: REFUSALS.invalidJson }; // the client gets the error
  }
}

function wrongType(type: string): ReadBody {
  return refuseForm({
    path: ["_"],
    code: "CONTENT_TYPE_INVALID",
    message:
      `Expected "Content-Type" header to be application/json or multipart/form-data: ${type}`,
  });
}
