/**
 * Fetches bodies as the server sends them, and inflates compressed ones piece by piece.
 *
 * A small compressed body may be a thousand times as large inside. Bun inflates all of it before the
 * first read, if that comes late, so a limit of the reader came too late, too. Barnacle asks for bodies
 * without compression. A server that compresses all the same costs no more than the limit.
 */

/** Header that asks for no compression. Deno then inflates nothing, either. */
export const PLAIN_HEADER: readonly [name: string, value: string] = ["accept-encoding", "identity"];

/** Option of Bun's `fetch`; others ignore it. */
export const PLAIN_OPTION: { readonly decompress: false } = { decompress: false };

const KNOWN: Readonly<Record<string, CompressionFormat>> = {
  "gzip": "gzip",
  "x-gzip": "gzip",
  "deflate": "deflate",
};

/**
 * Sends a request whose answer no runtime inflates.
 *
 * @param send The runtime's `fetch`, or that of a test.
 */
export async function fetchPlain<Input extends string | URL | Request>(
  send: (input: Input, init: RequestInit) => Promise<Response>,
  input: Input,
  init: RequestInit = {},
): Promise<Response> {
  const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : {}));
  headers.set(...PLAIN_HEADER);
  const options = { ...init, ...PLAIN_OPTION, headers };
  return inflated(await send(input, options));
}

/**
 * The same response with an inflated body, if the server has compressed it in spite of the request.
 *
 * @throws {TypeError} If the server uses a compression that it was never offered.
 */
export function inflated(response: Response): Response {
  const coding = response.headers.get("content-encoding")?.trim().toLowerCase() ?? "identity";
  const { body, status, statusText } = response;
  if (!body || coding === "identity" || coding === "") return response;
  const format = KNOWN[coding];
  if (format === undefined) {
    body.cancel().catch(() => {}); // of a broken connection
    throw new TypeError("the server's answer has an unknown compression");
  }
  const headers = new Headers(response.headers);
  headers.delete("content-encoding");
  headers.delete("content-length"); // of the compressed body
  const stream = body.pipeThrough(new DecompressionStream(format));
  return new Response(stream, { status, statusText, headers });
}
