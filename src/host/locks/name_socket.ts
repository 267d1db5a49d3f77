/**
 * Holds a name of the abstract socket namespace, and asks its holder for a description.
 *
 * The holder describes itself to every client. If a client sends a challenge, the holder also
 * proves that it knows the bot token, without showing it: it returns a keyed hash of the challenge.
 * Any user of the machine can hold the name, but only another Barnacle with this token can answer.
 */

import { createHmac, randomBytes } from "node:crypto";
import { createConnection, createServer, type Server } from "node:net";
import { codeOf } from "../../lib/errors.ts";
import { type Holder, holderSchema } from "./lock.ts";

type SocketAnswer =
  | {
    readonly kind: "holder";
    readonly holder: Holder;
    readonly knowsToken: boolean;
  }
  /** The holder hangs, or is not Barnacle. */
  | { readonly kind: "silent" }
  /** The holder has stopped listening. */
  | { readonly kind: "closed" };

/** Maximum bytes of an answer: a pid, two times, one path and a proof. */
const ANSWER_MAX = 8_192;

const CHALLENGE_BYTES = 32;

/**
 * Takes a name for the life of this process, or until the server closes.
 *
 * @param name Without the leading zero byte.
 * @param token The secret that the proof is about.
 * @param askMs Milliseconds after which a client without a challenge is cut off.
 * @returns `"unsupported"` in a sandbox without such names; then no process in it has one.
 */
export function listenOnName(
  name: string,
  holder: Holder,
  token: string,
  askMs: number,
): Promise<Server | "taken" | "unsupported"> {
  const line = `${JSON.stringify(holder)}\n`;
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy()); // the client did not wait for the answer
    socket.setTimeout(askMs, () => socket.destroy());
    socket.write(line);
    // A client without a challenge ends the connection, which ends this side too.
    socket.once("data", (challenge) => {
      const isValid = challenge.length === CHALLENGE_BYTES;
      socket.end(isValid ? `${proofOf(token, challenge)}\n` : "");
    });
  });
  server.maxConnections = 8;
  server.unref();
  return new Promise((resolve) => {
    // A later error concerns one connection, whose client asks again.
    server.on("error", (error) => {
      resolve(codeOf(error) === "EADDRINUSE" ? "taken" : "unsupported");
    });
    server.listen({ path: `\0${name}` }, () => resolve(server));
  });
}

/**
 * Asks the holder of a name for its description.
 *
 * @param askMs Milliseconds to wait at most.
 * @param token The secret that the holder should prove to know; absent if that does not matter.
 */
export function askHolder(name: string, askMs: number, token?: string): Promise<SocketAnswer> {
  const { promise, resolve } = Promise.withResolvers<SocketAnswer>();
  const challenge = randomBytes(CHALLENGE_BYTES);
  let text = "";
  const socket = createConnection({ path: `\0${name}` });
  const timer = setTimeout(() => socket.destroy(), askMs);
  socket.setEncoding("utf8");
  socket.on("data", (piece) => {
    text += piece;
    if (text.length > ANSWER_MAX) socket.destroy();
  });
  socket.on("error", (error) => {
    if (codeOf(error) === "ECONNREFUSED") resolve({ kind: "closed" });
  });
  socket.on("close", () => {
    clearTimeout(timer);
    resolve(toAnswer(text, token === undefined ? undefined : proofOf(token, challenge)));
  });
  if (token === undefined) socket.end();
  else socket.end(challenge);
  return promise;
}

function toAnswer(text: string, expected: string | undefined): SocketAnswer {
  if (text.length > ANSWER_MAX) return { kind: "silent" };
  const [line = "", proof] = text.split("\n");
  try {
    const holder = holderSchema.parse(JSON.parse(line));
    return { kind: "holder", holder, knowsToken: expected !== undefined && proof === expected };
  } catch {
    return { kind: "silent" };
  }
}

/** 64 hexadecimal digits, which only a process with the token can compute. */
function proofOf(token: string, challenge: Uint8Array): string {
  const hash = createHmac("sha256", token).update("barnacle token lock proof 1\n");
  return hash.update(challenge).digest("hex");
}
