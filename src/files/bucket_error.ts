/** Failures of a bucket, each with a sentence that says what to do next (O17). */

/**
 * - `away`: the store does not answer, or cannot now; trying again helps.
 * - `moved`: the object has changed meanwhile, or exists already.
 * - `missing`: there is no such object.
 * - `config`: the config, the keys' rights or the kind of store; trying again does not help.
 * - `damaged`: the answer is not what Barnacle has stored there.
 */
export type BucketErrorKind = "away" | "moved" | "missing" | "config" | "damaged";

/** A request that has failed. Its message has no key and no path. */
export class BucketError extends Error {
  override readonly name = "BucketError";
  readonly kind: BucketErrorKind;
  /** Status of the answer; absent if there was none. */
  readonly status?: number | undefined;

  /** @param message The failure; for `config`, with the next step. */
  constructor(
    kind: BucketErrorKind,
    message: string,
    options?: ErrorOptions & { readonly status?: number },
  ) {
    super(message, options);
    this.kind = kind;
    this.status = options?.status;
  }
}

const KEYS = "correct files.accessKeyId and files.secretAccessKey";
const REGION = "correct files.region";

/** Codes of S3 that the config causes, with the next step. */
const CONFIG_CODES: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: KEYS,
  SignatureDoesNotMatch: KEYS,
  AuthorizationHeaderMalformed: REGION,
  PermanentRedirect: REGION,
  TemporaryRedirect: REGION,
  AccessDenied: "let this key read, write, list and delete in the bucket of files.url",
  NoSuchBucket: "create the bucket, or correct files.url",
  InvalidBucketName: "correct files.url",
  AllAccessDisabled: "correct files.url",
  NotImplemented: "use a store that knows If-Match and If-None-Match for files.url",
};

/** The error of an answer that is no success. @param code The code in its body, if there is one. */
export function errorOfAnswer(status: number, code: string | undefined): BucketError {
  const answer = code === undefined ? `status ${status}` : `${code} (${status})`;
  const says = `the file store answers ${answer}`;
  const next = CONFIG_CODES[code ?? ""];
  if (next !== undefined) return new BucketError("config", `${says}; ${next}`);
  if (code === "RequestTimeout") return new BucketError("away", says); // S3 has status 400 for it
  if (code === "RequestTimeTooSkewed") {
    return new BucketError("away", `${says}; set the clock of this machine by NTP`);
  }
  if (status === 412 || status === 409) return new BucketError("moved", says, { status });
  if (status === 404) return new BucketError("missing", says);
  if (status === 301 || status === 307) return new BucketError("config", `${says}; ${REGION}`);
  if (status === 401 || status === 403) return new BucketError("config", `${says}; ${KEYS}`);
  const isConfig = status >= 300 && status < 500 && status !== 408 && status !== 429;
  return isConfig
    ? new BucketError("config", `${says}; use a store that speaks S3, or correct files.endpoint`)
    : new BucketError("away", says);
}

/** A failure of the network, as an error of the bucket. */
export function asBucketError(error: unknown): BucketError {
  if (error instanceof BucketError) return error;
  return new BucketError("away", "the file store does not answer", { cause: error });
}
