/**
 * An S3-compatible store in memory, on loopback. It checks the signature of each request with code of
 * its own, so that the client cannot be wrong in the same way.
 */

import { Buffer } from "node:buffer";
import { createHash, createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export const S3_KEYS = { accessKeyId: "AKIDTEST", secretAccessKey: "secret/of+the=test" };
export const S3_BUCKET = "files";

/** A request, as a fault sees it. */
export interface S3Request {
  readonly method: string;
  /** Key of the object; empty for the bucket. */
  readonly key: string;
  readonly body: Buffer;
}

/**
 * A fault for a request; `undefined` lets it pass.
 *
 * - `cut`: the connection breaks before the request has an effect.
 * - `cut_after`: it has its effect, and the connection breaks before the answer.
 * - `half`: half of the answer arrives.
 * - `silent`: no answer comes.
 */
export type S3Fault =
  | "cut"
  | "cut_after"
  | "half"
  | "silent"
  | { readonly status: number; readonly code?: string };

export interface S3Server extends AsyncDisposable {
  readonly endpoint: string;
  readonly objects: Map<string, Buffer>;
  /** `"PUT agents/main/manifest.json"`, in their order. */
  readonly requests: string[];
  /** Signatures that were wrong; a test must find none. */
  readonly refused: string[];
  /** Decides about each request. */
  fault: ((request: S3Request) => S3Fault | undefined) | undefined;
  /** Whether it looks at `If-Match` and `If-None-Match` of a PUT. */
  knowsConditions: boolean;
  /** How it compares the ETag of `If-Match`: Ceph does it without the quotes. */
  comparesEtags: "quoted" | "bare" | "never";
  /** Entries of a page. */
  page: number;
  close(): Promise<void>;
}

export async function startS3(
  { region = "us-east-1", port = 0, objects = new Map<string, Buffer>() }: {
    readonly region?: string;
    readonly port?: number;
    readonly objects?: Map<string, Buffer>;
  } = {},
): Promise<S3Server> {
  const changed = new Map<string, number>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("error", () => {}); // the client has gone
    request.on("end", () => answer(request, response, Buffer.concat(chunks)));
  });

  function answer(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const { method = "" } = request;
    const url = new URL(request.url ?? "/", "http://store");
    const [, bucket = "", ...rest] = url.pathname.split("/");
    const key = rest.join("/");
    s3.requests.push(`${method} ${key === "" ? url.searchParams.get("prefix") ?? "" : key}`);
    const fault = s3.fault?.({ method, key, body });
    if (fault === "silent") return;
    if (fault === "cut") return void request.socket.destroy();
    if (typeof fault === "object") return refuse(response, fault.status, fault.code);
    const problem = signatureProblem(request, url, body, region);
    if (problem !== undefined) {
      s3.refused.push(`${problem} ${method} ${request.url}`);
      return refuse(response, 403, problem);
    }
    if (bucket !== S3_BUCKET) return refuse(response, 404, "NoSuchBucket");
    const end = key === "" ? list(url.searchParams) : act(request, method, key, body);
    if (fault === "cut_after") return void request.socket.destroy();
    if ("code" in end) return refuse(response, end.status, end.code);
    const { status, bytes = Buffer.alloc(0), etag } = end;
    const length = status === 304 ? {} : { "content-length": bytes.length };
    response.writeHead(status, { ...length, ...(etag !== undefined && { etag }) });
    if (fault === "half") {
      response.write(bytes.subarray(0, bytes.length >> 1));
      return void setImmediate(() => request.socket.destroy());
    }
    response.end(bytes);
  }

  /** The form of an ETag that equals it in `If-Match`. */
  function ownEtag(etag: string | undefined): string | undefined {
    return { quoted: etag, bare: etag?.replaceAll('"', ""), never: undefined }[s3.comparesEtags];
  }

  function act(request: IncomingMessage, method: string, key: string, body: Buffer): End {
    const stored = objects.get(key);
    const etag = stored && etagOf(stored);
    const { "if-match": match, "if-none-match": noneMatch } = request.headers;
    switch (method) {
      case "GET":
        if (!stored) return { status: 404, code: "NoSuchKey" };
        return noneMatch === etag ? { status: 304, etag } : { status: 200, bytes: stored, etag };
      case "PUT":
        if (s3.knowsConditions) {
          if (match !== undefined && !stored) return { status: 404, code: "NoSuchKey" };
          const isRefused = (match !== undefined && match !== ownEtag(etag)) ||
            (noneMatch === "*" && stored !== undefined);
          if (isRefused) return { status: 412, code: "PreconditionFailed" };
        }
        objects.set(key, body);
        changed.set(key, Date.now());
        return { status: 200, etag: etagOf(body) };
      case "DELETE":
        objects.delete(key);
        return { status: 204 };
    }
    return { status: 405, code: "MethodNotAllowed" };
  }

  function list(query: URLSearchParams): End {
    const after = query.get("continuation-token") ?? "";
    const all = [...objects.keys()].filter((key) => key.startsWith(query.get("prefix") ?? ""))
      .sort().filter((key) => key > after);
    const shown = all.slice(0, s3.page);
    const entries = shown.map((key) => {
      const time = new Date(changed.get(key) ?? 0).toISOString();
      return `<Contents><Key>${key}</Key><LastModified>${time}</LastModified></Contents>`;
    });
    const isCut = all.length > shown.length;
    const token = isCut ? `<NextContinuationToken>${shown.at(-1)}</NextContinuationToken>` : "";
    const xml = `<?xml version="1.0"?><ListBucketResult><IsTruncated>${isCut}</IsTruncated>` +
      `${token}${entries.join("")}</ListBucketResult>`;
    return { status: 200, bytes: Buffer.from(xml) };
  }

  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const s3: S3Server = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    requests: [],
    refused: [],
    fault: undefined,
    knowsConditions: true,
    comparesEtags: "quoted",
    page: 1_000,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
    [Symbol.asyncDispose]: () => s3.close(),
  };
  return s3;
}

type End =
  | { readonly status: number; readonly bytes?: Buffer; readonly etag?: string | undefined }
  | { readonly status: number; readonly code: string };

function refuse(response: ServerResponse, status: number, code = "InternalError"): void {
  response.writeHead(status, { "content-type": "application/xml" });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`);
}

const sha = (bytes: Buffer | string) => createHash("sha256").update(bytes).digest("hex");
const hmac = (key: Buffer | string, text: string) =>
  createHmac("sha256", key).update(text).digest();
const etagOf = (bytes: Buffer) => `"${sha(bytes).slice(0, 32)}"`;

/** The code by which S3 refuses a request's signature; `undefined` if it is right. */
function signatureProblem(
  { method = "", headers }: IncomingMessage,
  url: URL,
  body: Buffer,
  region: string,
): string | undefined {
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/
      .exec(headers.authorization ?? "");
  if (!parts) return "AccessDenied";
  const [, id = "", day = "", itsRegion = "", names = "", signature = ""] = parts;
  if (id !== S3_KEYS.accessKeyId) return "InvalidAccessKeyId";
  if (itsRegion !== region) return "AuthorizationHeaderMalformed";
  const digest = headers["x-amz-content-sha256"];
  if (digest !== sha(body)) return "XAmzContentSHA256Mismatch";
  const signedNames = names.split(";");
  // A condition that is not signed could be removed on its way.
  for (const name of ["if-match", "if-none-match"]) {
    if (headers[name] !== undefined && !signedNames.includes(name)) return "AccessDenied";
  }
  const query = [...url.searchParams].map((pair) => pair.map(encoded).join("=")).sort().join("&");
  const canonical = [
    method,
    url.pathname.split("/").map((part) => encoded(decodeURIComponent(part))).join("/"),
    query,
    ...signedNames.map((name) => `${name}:${String(headers[name] ?? "").trim()}`),
    "",
    names,
    digest,
  ].join("\n");
  const scope = `${day}/${region}/s3/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, sha(canonical)].join("\n");
  const key = [day, region, "s3", "aws4_request"]
    .reduce<Buffer>((one, part) => hmac(one, part), Buffer.from(`AWS4${S3_KEYS.secretAccessKey}`));
  return hmac(key, toSign).toString("hex") === signature ? undefined : "SignatureDoesNotMatch";
}

function encoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
