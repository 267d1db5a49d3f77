/**
 * Reads and writes objects of an S3-compatible store: the five requests that Barnacle needs.
 *
 * The answers are bytes of another server. So each one has a limit of size and of time, and nothing in
 * it is followed: no redirect, and no key that this program would not write itself.
 */

import { hash } from "node:crypto";
import type { Clock, StartTimer } from "../lib/clock.ts";
import { fetchPlain } from "../lib/network/fetch_plain.ts";
import { readBody } from "../lib/network/read_body.ts";
import { asBucketError, BucketError, errorOfAnswer } from "./bucket_error.ts";

/** Where the bucket is, and how to sign. */
export interface BucketSettings {
  readonly bucket: string;
  /** Empty, or ends with a slash. */
  readonly prefix: string;
  /** Base address of the store; absent: Amazon S3 in the region. */
  readonly endpoint?: string | undefined;
  /** Absent: that which stores in one place take. */
  readonly region?: string | undefined;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The parts of the world that a bucket needs. */
export interface BucketPorts extends Clock {
  readonly fetch: (input: string | URL, init?: RequestInit) => Promise<Response>;
  readonly schedule: StartTimer;
}

/** What must be true of an object that a write replaces. */
export type Condition =
  /** It does not exist. */
  | "new"
  /** It has this mark. */
  | { readonly mark: string };

/** An object with its mark, which changes with its content. */
export interface StoredObject {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly mark: string;
}

/** An entry of a list. */
export interface ListedObject {
  /** Without the prefix of the bucket. */
  readonly key: string;
  /** Milliseconds since 1970 by the store's clock; 0 if it does not say. */
  readonly changedAt: number;
}

/** Objects below a prefix. Each method rejects with a {@link BucketError}. */
export interface ObjectStore {
  /**
   * Reads an object of at most `maxBytes`.
   *
   * @param known A mark; an object that still has it is not sent.
   * @returns `"same"` if it has that mark, `undefined` if there is none.
   */
  get(key: string, maxBytes: number, known?: string): Promise<StoredObject | "same" | undefined>;
  /** Writes an object whole or not at all. @returns Its new mark. */
  put(key: string, bytes: Uint8Array<ArrayBuffer>, condition?: Condition): Promise<string>;
  /** Deletes an object, if there is one. */
  remove(key: string): Promise<void>;
  /** Lists the objects whose key begins with a text, in pages. @param pages Maximum number of pages. */
  list(start: string, pages: number): AsyncGenerator<readonly ListedObject[]>;
}

/** Milliseconds for a request, and for each megabyte of it. */
const REQUEST_MS = 10_000;
const MS_PER_MB = 2_000;
const MB = 1_000_000;
/** Milliseconds before the only repetition. */
const PAUSE_MS = 300;
/** Maximum bytes of a list and of an error. */
const MAX_LIST_BYTES = 4 * MB;
const MAX_ERROR_BYTES = 64_000;
/** Entries of a page, as S3 has it. */
const PAGE = 1_000;
/** A mark is an ETag. Its text goes back to the store in a header. */
const MARK = /^(?:W\/)?"[\x21\x23-\x7e]{1,128}"$/;

const DEFAULT_REGION = "us-east-1";

/** Creates the client; it sends nothing yet. The function is long: each request stands here once. */
export function createBucket(
  { bucket, prefix, endpoint, region = DEFAULT_REGION, accessKeyId, secretAccessKey }:
    BucketSettings,
  { fetch, schedule, now }: BucketPorts,
): ObjectStore {
  const base = baseOf(bucket, region, endpoint);
  /** Signing keys of the day. */
  const cache = new Map<string, ArrayBuffer>();
  /** Whether `If-Match` has the ETag without its quotes: with them, Ceph finds it different. */
  let isBare = false;

  async function signed(
    method: string,
    url: string,
    headers: Record<string, string>,
    body?: Bytes,
  ) {
    const { AwsV4Signer } = await import("aws4fetch");
    const datetime = new Date(now()).toISOString().replace(/[:-]|\.\d{3}/g, "");
    const signer = new AwsV4Signer({
      accessKeyId,
      secretAccessKey,
      region,
      service: "s3",
      url,
      method,
      headers: { ...headers, "x-amz-content-sha256": hash("sha256", body ?? EMPTY) },
      datetime,
      cache,
    });
    return (await signer.sign()).headers;
  }

  async function send(
    method: string,
    path: string,
    { headers = {}, body, maxBytes }: {
      readonly headers?: Record<string, string>;
      readonly body?: Bytes;
      readonly maxBytes: number;
    },
  ): Promise<Answer> {
    const url = `${base}${path}`;
    const ending = new AbortController();
    const limitTo = (bytes: number) =>
      schedule(
        () => ending.abort(new BucketError("away", "the file store takes too long")),
        REQUEST_MS + MS_PER_MB * Math.ceil(bytes / MB),
      );
    let cancel = limitTo(body?.length ?? 0); // until it answers
    try {
      const response = await fetchPlain(fetch, url, {
        method,
        headers: await signed(method, url, headers, body),
        body: body ?? null,
        redirect: "manual",
        signal: ending.signal,
      });
      const { ok, status, headers: answered } = response;
      cancel();
      cancel = limitTo(maxBytes);
      const tooLarge = () =>
        ok
          ? new BucketError("damaged", "the file store answers with too many bytes")
          : errorOfAnswer(status, undefined);
      const bytes = await readBody(response.body, {
        maxBytes: ok ? maxBytes : MAX_ERROR_BYTES,
        tooLarge,
        signal: ending.signal,
      });
      if (!ok && status !== 304) throw errorOfAnswer(status, codeIn(bytes));
      return { status, bytes, mark: answered.get("etag") ?? "" };
    } catch (error) {
      throw asBucketError(ending.signal.aborted ? ending.signal.reason : error);
    } finally {
      cancel();
    }
  }

  /** A repeated write meets its own condition: the caller looks at the object then. */
  async function request(...[method, path, rest]: Parameters<typeof send>): Promise<Answer> {
    try {
      return await send(method, path, rest);
    } catch (error) {
      if (!(error instanceof BucketError) || error.kind !== "away") throw error;
      await new Promise<void>((resolve) => void schedule(resolve, PAUSE_MS));
      return await send(method, path, rest);
    }
  }

  const pathOf = (key: string) => `/${prefix}${key}`;

  async function write(
    key: string,
    bytes: Bytes,
    condition: Readonly<Record<string, string>>,
  ): Promise<string> {
    const headers = { "content-type": "application/octet-stream", ...condition };
    const rest = { headers, body: bytes, maxBytes: MAX_ERROR_BYTES };
    try {
      return checkedMark((await request("PUT", pathOf(key), rest)).mark);
    } catch (error) {
      // With `If-Match`, this says that another process has deleted the object.
      const isGone = error instanceof BucketError && error.kind === "missing";
      const isConditional = Object.keys(condition).length > 0;
      throw isGone && isConditional ? new BucketError("moved", error.message) : error;
    }
  }

  /** Whether an object has a mark; its bytes do not come. */
  async function has(key: string, mark: string): Promise<boolean> {
    const headers = { "if-none-match": mark };
    const answer = await request("GET", pathOf(key), { headers, maxBytes: 0 }).catch(() => {});
    return answer?.status === 304;
  }

  return {
    async get(key, maxBytes, known) {
      try {
        const headers: Record<string, string> = known === undefined
          ? {}
          : { "if-none-match": known };
        const answer = await request("GET", pathOf(key), { headers, maxBytes });
        if (answer.status === 304) return "same";
        return { bytes: answer.bytes, mark: checkedMark(answer.mark) };
      } catch (error) {
        if (error instanceof BucketError && error.kind === "missing") return undefined;
        throw error;
      }
    },
    async put(key, bytes, condition) {
      if (condition === undefined) return await write(key, bytes, {});
      if (condition === "new") return await write(key, bytes, { "if-none-match": "*" });
      const { mark } = condition;
      const bare = mark.replaceAll('"', "");
      try {
        return await write(key, bytes, { "if-match": isBare ? bare : mark });
      } catch (error) {
        if (isBare || !isUnmet(error) || !await has(key, mark)) throw error;
        const written = await write(key, bytes, { "if-match": bare });
        isBare = true;
        return written;
      }
    },
    async remove(key) {
      await request("DELETE", pathOf(key), { maxBytes: MAX_ERROR_BYTES }).catch(ignoreMissing);
    },
    async *list(start, pages) {
      let token: string | undefined;
      for (let page = 0; page < pages; page++) {
        const query = new URLSearchParams({
          "list-type": "2",
          "max-keys": `${PAGE}`,
          prefix: `${prefix}${start}`,
          ...(token !== undefined && { "continuation-token": token }),
        });
        const { bytes } = await request("GET", `?${query}`, { maxBytes: MAX_LIST_BYTES });
        const xml = new TextDecoder().decode(bytes);
        assertList(xml);
        yield entriesIn(xml, prefix, start);
        token = tokenIn(xml);
        if (token === undefined) return;
      }
    },
  };
}

type Bytes = Uint8Array<ArrayBuffer>;

/** Whether a condition was not met; 409 says that two writes came at once. */
function isUnmet(error: unknown): boolean {
  return error instanceof BucketError && error.status === 412;
}

interface Answer {
  readonly status: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly mark: string;
}

const EMPTY = new Uint8Array();

/** Amazon's certificates do not name a bucket with a dot. */
function baseOf(bucket: string, region: string, endpoint: string | undefined): string {
  if (endpoint !== undefined) return `${endpoint}/${bucket}`;
  const host = `s3.${region}.amazonaws.com`;
  return bucket.includes(".") ? `https://${host}/${bucket}` : `https://${bucket}.${host}`;
}

function checkedMark(mark: string): string {
  if (MARK.test(mark)) return mark;
  throw new BucketError("config", "the file store sends no ETag; use another store for files.url");
}

function codeIn(bytes: Uint8Array): string | undefined {
  return /<Code>([A-Za-z]{1,60})<\/Code>/.exec(new TextDecoder().decode(bytes))?.[1];
}

/** The objects of a page. Keys of others, and keys that need decoding, are left out: none is ours. */
function entriesIn(xml: string, prefix: string, start: string): readonly ListedObject[] {
  // No pattern over the whole text: a hostile one would take minutes.
  const blocks = xml.split("</Contents>", PAGE + 1).slice(0, -1);
  return blocks.map((before): ListedObject | undefined => {
    const block = before.slice(before.lastIndexOf("<Contents>"));
    const whole = /<Key>([\w./-]{1,900})<\/Key>/.exec(block)?.[1];
    if (!whole?.startsWith(`${prefix}${start}`)) return undefined;
    const changed = /<LastModified>([^<]{1,40})<\/LastModified>/.exec(block)?.[1];
    return { key: whole.slice(prefix.length), changedAt: Date.parse(changed ?? "") || 0 };
  }).filter((one) => one !== undefined);
}

/** Any other page with status 200 would be an empty list, after which files here count as deleted. */
function assertList(xml: string): void {
  const isList = xml.includes("<ListBucketResult") && /<IsTruncated>(?:true|false)</.test(xml);
  if (isList && (xml.includes("<IsTruncated>false<") || tokenIn(xml) !== undefined)) return;
  throw new BucketError(
    "damaged",
    "the file store answers with no list; use a store that speaks S3, or correct files.endpoint",
  );
}

/** The token of the next page; `undefined` if there is none. */
function tokenIn(xml: string): string | undefined {
  if (!/<IsTruncated>true<\/IsTruncated>/.test(xml)) return undefined;
  const [, written] = /<NextContinuationToken>([^<]{1,2000})<\/NextContinuationToken>/.exec(xml) ??
    [];
  return written?.replaceAll("&quot;", '"').replaceAll("&lt;", "<").replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof BucketError) || error.kind !== "missing") throw error;
}
