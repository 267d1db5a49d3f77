/**
 * Encrypts and decrypts with a passphrase, in the format of age.
 *
 * Encryption was more than half of the main thread's work on a backup. So it has a thread of its own,
 * `job_worker.ts`.
 */

import { Buffer } from "node:buffer";
import { on } from "node:events";
import { type MessagePort, Worker } from "node:worker_threads";
import { JOB_WORKER_URL } from "../../../host/process/own_process.ts";
import { ArchiveError, damagedError } from "./source.ts";
import { gathered, toWebStream, valuesOf } from "./streams.ts";

/** The first bytes of an encrypted file, in hex. */
export const AGE_MAGIC: string = Buffer.from("age-encryption.org/v1\n").toString("hex");

/** Costs of guessing a passphrase: 128 MiB and half a second of this machine for each guess. */
const SCRYPT_LOG_N = 17;
/** Encrypted bytes in a message of the thread. */
const MESSAGE_BYTES = 1024 * 1024;
/** Pieces that the thread has while it encrypts one. */
const AHEAD = 2;

/** The passphrase does not open the file, or the file needs one. */
export class PassphraseError extends Error {
  override readonly name = "PassphraseError";
}

interface SealJob {
  readonly passphrase: string;
  readonly logN: number;
}

/** A message of the thread while it works. The answer to `wants` is a piece, or `undefined` at the end. */
type SealMessage =
  | { readonly kind: "wants" }
  | { readonly kind: "sealed"; readonly chunk: Uint8Array };

/** The last message of the thread. */
type SealEnd =
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly reason: string };

/**
 * Encrypts a stream in a thread.
 *
 * @param logN Work factor of scrypt, for tests that guess often.
 * @throws {Error} If the thread fails.
 */
export async function* encrypted(
  content: AsyncIterable<Uint8Array>,
  passphrase: string,
  logN: number = SCRYPT_LOG_N,
): AsyncGenerator<Uint8Array> {
  const pieces = content[Symbol.asyncIterator]();
  const workerData: SealJob & { readonly kind: "seal" } = { kind: "seal", passphrase, logN };
  const thread = new Worker(JOB_WORKER_URL, { workerData });
  thread.on("error", () => {}); // `on()` below stops listening after the first error
  thread.once("exit", () => thread.emit("error", new Error("the thread that encrypts has ended")));
  const messages: AsyncIterable<readonly (SealMessage | SealEnd)[]> = on(thread, "message");
  try {
    for await (const [message] of messages) {
      if (message?.kind === "done") return;
      if (message?.kind === "failed") throw new Error(`cannot encrypt: ${message.reason}`);
      if (message?.kind === "sealed") yield message.chunk;
      else thread.postMessage((await pieces.next()).value);
    }
  } finally {
    thread.removeAllListeners("exit");
    await thread.terminate();
    await pieces.return?.();
  }
}

/** Encrypts what the main thread sends, as a thread. */
export async function runSealJob(job: unknown, port: MessagePort): Promise<void> {
  const { passphrase, logN } = job as SealJob; // only this program starts the thread
  const send = (message: SealMessage) => port.postMessage(message);
  const messages: AsyncIterator<readonly (Uint8Array | undefined)[]> = on(port, "message");
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (;;) {
      send({ kind: "wants" });
      const { value: [piece] = [] } = await messages.next();
      if (!piece) return;
      yield piece;
    }
  }
  const content = toWebStream(pieces(), AHEAD); // at once: the main thread compresses meanwhile
  const { Encrypter } = await import("age-encryption");
  const encrypter = new Encrypter();
  encrypter.setPassphrase(passphrase);
  encrypter.setScryptWorkFactor(logN);
  const sealed = valuesOf(await encrypter.encrypt(content));
  for await (const chunk of gathered(sealed, MESSAGE_BYTES)) send({ kind: "sealed", chunk });
}

/**
 * Decrypts a file.
 *
 * @throws {PassphraseError} If the passphrase is wrong, or there is none.
 * @throws {ArchiveError} If a part of the file is missing or changed.
 */
export async function decrypted(
  content: AsyncIterable<Uint8Array>,
  passphrase: string | undefined,
): Promise<AsyncIterable<Uint8Array>> {
  if (passphrase === undefined) throw new PassphraseError("it is encrypted");
  const whole = await withCheckedHeader(content);
  const { Decrypter } = await import("age-encryption");
  const decrypter = new Decrypter();
  decrypter.addPassphrase(passphrase);
  try {
    return valuesOf(
      await decrypter.decrypt(toWebStream(whole)),
      (error) => isOfSystem(error) ? error : damagedError(),
    );
  } catch (error) {
    if (isOfSystem(error)) throw error;
    const isWrong = error instanceof Error && error.message.startsWith("no identity matched");
    if (isWrong) throw new PassphraseError("the passphrase is wrong");
    throw damagedError();
  }
}

/** Longest header; Barnacle's own has less than 200 bytes. */
const MAX_HEADER_BYTES = 16 * 1024;

/** Largest work factor to try: `age` itself writes 18, which takes 256 MiB. */
const MAX_SCRYPT_LOG_N = 18;

/** The same content, unless its header would take much memory: a stranger may have written it. */
async function withCheckedHeader(
  content: AsyncIterable<Uint8Array>,
): Promise<AsyncIterable<Uint8Array>> {
  const iterator = content[Symbol.asyncIterator]();
  const { value: first = new Uint8Array(0) } = await iterator.next();
  const header = Buffer.from(first.subarray(0, MAX_HEADER_BYTES)).toString("latin1");
  const end = header.indexOf("\n--- ");
  const factor = /^-> scrypt \S+ (\d+)$/m.exec(header.slice(0, Math.max(0, end)))?.[1];
  if (end === -1 || Number(factor ?? 0) > MAX_SCRYPT_LOG_N) {
    await iterator.return?.();
    throw end === -1 ? damagedError() : new ArchiveError(
      "foreign",
      "to try a passphrase would take more memory than age itself uses",
    );
  }
  return (async function* () {
    try {
      yield first;
      for (;;) {
        const { done, value } = await iterator.next();
        if (done) return;
        yield value;
      }
    } finally {
      await iterator.return?.();
    }
  })();
}

/** Whether an error is the system's, such as that of an unreadable disk. */
function isOfSystem(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}
