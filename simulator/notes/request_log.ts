/**
 * Records the requests to the simulated REST API, in order.
 *
 * Tests check requests against Discord's own document, and look for forbidden ones. The log is
 * bounded, so that a bench may run for ever.
 */

/** A file of a multipart body. */
export interface LoggedFile {
  readonly field: string;
  readonly filename: string;
  readonly sizeBytes: number;
}

export interface RequestRecord {
  /** From 1, in order of arrival. */
  readonly number: number;
  /** Unix time in milliseconds. */
  readonly at: number;
  readonly method: string;
  /** Without `/api` and version: `"/channels/123/messages"`. */
  readonly path: string;
  /** The path without ids: `"/channels/:id/messages"`. */
  readonly route: string;
  readonly query: Readonly<Record<string, string>>;
  /** The JSON body; of a multipart body its `payload_json`. `undefined` without one. */
  readonly body: unknown;
  readonly files: readonly LoggedFile[];
  readonly userAgent: string;
  /** Status of the answer; `undefined` before it, and for good if a fault left it unanswered. */
  status: number | undefined;
}

export interface RequestLog {
  add(request: Omit<RequestRecord, "number" | "status">): RequestRecord;
  /** The last requests, oldest first. */
  records(): readonly RequestRecord[];
  /** Calls `listener` at each arrival, before the request is carried out. */
  subscribe(listener: (record: RequestRecord) => void): () => void;
}

/** @param limit Maximum number of kept requests. */
export function createRequestLog(limit: number): RequestLog {
  const kept: RequestRecord[] = [];
  const listeners = new Set<(record: RequestRecord) => void>();
  let count = 0;
  return {
    add(request) {
      count += 1;
      const record: RequestRecord = { number: count, ...request, status: undefined };
      kept.push(record);
      if (kept.length > 2 * limit) kept.splice(0, kept.length - limit); // seldom: it moves all
      for (const listener of listeners) listener(record);
      return record;
    },
    records: () => kept.slice(-limit),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/**
 * Removes the ids from a path, so that similar requests have one name.
 *
 * `"/channels/1/messages/2/reactions/%F0%9F%91%80/@me"` becomes
 * `"/channels/:id/messages/:id/reactions/:emoji/@me"`.
 */
export function routeOf(path: string): string {
  return path
    .replace(/(\/reactions\/)[^/]+/, "$1:emoji")
    .replace(/^(\/(?:webhooks|interactions)\/\d+\/)[^/]+/, "$1:token")
    .replace(/\/\d+(?=\/|$)/g, "/:id");
}

/** The channel, guild or webhook of a path; empty if there is none. */
export function majorOf(path: string): string {
  return /^\/(?:channels|guilds|webhooks)\/\d+/.exec(path)?.[0] ?? "";
}
