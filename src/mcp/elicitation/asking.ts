/**
 * Finds the call that a server's question belongs to.
 *
 * The protocol does not say it. So it must be the only call of the connection, or else the question
 * could reach the wrong person.
 */

import { isRecord } from "../../lib/text/json.ts";

/** A server's question, as the library passes it on. */
export interface Elicitation {
  /** The method's parameters; `message` is for the person. Untrusted. */
  readonly params: Readonly<Record<string, unknown>> & { readonly message: string };
}

export interface ElicitationAnswer {
  /** `decline`: the person says no. `cancel`: there is no answer. */
  readonly action: "accept" | "decline" | "cancel";
  /** The values by field; only with `accept`. */
  readonly content?: Record<string, unknown>;
}

export interface AskingCall {
  /** Whether it waits for an answer already. */
  isWaiting(): boolean;
  /** Puts a question to the person for whom the call runs. */
  ask(params: Elicitation["params"]): Promise<ElicitationAnswer>;
  /** Notes for the model that a question reached no one. */
  unanswered(message: string, why: string): void;
  /** Notes about questions since the last time. */
  taken(): readonly string[];
}

/** Code of a refusal: a person must open pages first. The server has not run the call. */
const PAGES_FIRST = -32_042;
/** Maximum number of pages of one refusal. */
const MAX_PAGES = 3;

/**
 * Lets the person open the pages that a refused call wants.
 *
 * @returns Whether the person has opened all of them, so that the call may be made again.
 */
export async function openPages(error: unknown, call: AskingCall): Promise<boolean> {
  if (!isRecord(error) || error["code"] !== PAGES_FIRST || !isRecord(error["data"])) return false;
  const { elicitations } = error["data"];
  const pages = Array.isArray(elicitations) ? elicitations.filter(isRecord) : [];
  if (pages.length === 0 || pages.length > MAX_PAGES) return false;
  for (const { url, message } of pages) {
    const words = typeof message === "string" ? message : "";
    const { action } = await call.ask({ mode: "url", url, message: words });
    if (action !== "accept") return false;
  }
  return true;
}

export function createAsking<Connection extends object>(): {
  during<Result>(
    connection: Connection,
    call: AskingCall,
    run: () => Promise<Result>,
  ): Promise<Result>;
  answer(connection: Connection, asked: Elicitation): Promise<ElicitationAnswer>;
} {
  const running = new WeakMap<Connection, Set<AskingCall>>();
  return {
    async during(connection, call, run) {
      const calls = running.get(connection) ?? new Set();
      running.set(connection, calls.add(call));
      try {
        return await run();
      } finally {
        calls.delete(call);
      }
    },
    async answer(connection, { params }) {
      const free = [...running.get(connection) ?? []].filter((call) => !call.isWaiting());
      const [only, ...others] = free;
      if (only && others.length === 0) return await only.ask(params);
      for (const call of free) {
        call.unanswered(params.message, "several calls ran at once; call the tool again alone");
      }
      return { action: "cancel" };
    },
  };
}
