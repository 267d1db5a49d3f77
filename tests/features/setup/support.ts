/** Plays parts of a setup: with scripted answers of the user, and scripted servers. */

import assert from "node:assert/strict";
import { parseSnowflake } from "../../../src/core/discord/ids.ts";
import type { SetupContext, SetupState } from "../../../src/features/setup/answers.ts";
import type { Dialogue } from "../../../src/features/setup/dialogue.ts";
import { openMachine } from "../../../src/features/service/machine.ts";
import type { Env } from "../../../src/lib/env.ts";
import { recordingIo } from "../../cli/io.ts";

export const OWNER = { id: parseSnowflake<"user">("1420000000000000009")!, name: "ana" };
export const OTHER = { id: parseSnowflake<"user">("1420000000000000008")!, name: "ben" };
export const GUILD = { id: parseSnowflake<"guild">("1420000000000000001")!, name: "Harbour" };
const CHANNEL = { id: parseSnowflake<"channel">("1420000000000000002")!, name: "help" };

/** The answers of a finished setup. */
export const FINISHED: SetupState = {
  token: "token-of-krill",
  bot: {
    applicationId: parseSnowflake<"application">("1498000000000000000")!,
    name: "Krill",
    flags: 0,
    needsCodeGrant: false,
    owners: [OWNER],
  },
  intents: "settled",
  places: [{ ...GUILD, channels: [CHANNEL] }],
  owner: OWNER,
  model: {
    providerId: "openai",
    name: "gpt-5-mini",
    kind: "openai-compatible",
    key: "sk-test",
    isPaid: true,
    isPriced: true,
  },
  limit: { kind: "money", perDay: 2, prices: { input: 0.25, output: 2 } },
};

/** A setup whose user gives these answers, and that notes what it says and asks. */
export function scriptedSetup(
  answers: readonly (string | boolean)[],
  { env = {}, ...own }: Partial<SetupContext> & { readonly env?: Env } = {},
) {
  const lines: string[] = [];
  const left = [...answers];
  const next = (message: string): string | boolean => {
    lines.push(`?     ${message}`);
    const answer = left.shift();
    assert.ok(answer !== undefined, `no answer left for: ${message}`);
    return answer;
  };
  const say = (sign: string) => (text: string) => void lines.push(`${sign.padEnd(6)}${text}`);
  const typed: Dialogue["text"] = ({ message, check, fallback }) => {
    for (;;) {
      const answer = String(next(message)) || (fallback ?? "");
      const problem = check?.(answer);
      if (problem === undefined) return Promise.resolve(answer);
      say("wrong")(problem);
    }
  };
  const dialogue: Dialogue = {
    asked: () => 0,
    chapter() {},
    ok: say("ok"),
    warn: say("warn"),
    fail: say("fail"),
    tell: say(""),
    secret: typed,
    text: typed,
    confirm: ({ message }) => Promise.resolve(next(message) === true),
    choose({ message, options }) {
      const label = next(message);
      const option = options.find((one) => one.label === label);
      assert.ok(option, `${label} is none of ${options.map((one) => one.label).join(" | ")}`);
      return Promise.resolve(option.value);
    },
    chooseSome({ message, options }) {
      const label = next(message);
      return Promise.resolve(options.filter((one) => one.label === label).map((one) => one.value));
    },
    during: (_text, work) => work(new AbortController().signal, () => {}),
    close() {},
  };
  const setup: SetupContext = {
    io: recordingIo(env),
    dialogue,
    present: { owners: [] },
    api: API,
    machine: openMachine(env),
    ...own,
  };
  return { setup, dialogue, lines, isDone: () => left.length === 0 };
}

const API = "http://127.0.0.1:9/api";

export interface Asked {
  /** `"GET /users/@me"` of Discord; of other servers, with the whole address. */
  readonly what: string;
  readonly request: Request;
}

/** Plays with these answers of all servers; without one, nobody answers there. */
export async function withServers<Result>(
  answer: (asked: Asked) => object | undefined,
  play: () => Promise<Result>,
): Promise<Result> {
  const { fetch } = globalThis;
  globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    const what = `${request.method} ${request.url.replace(`${API}/v10`, "")}`;
    const found = await answer({ what, request });
    if (found === undefined) throw new TypeError("nobody answers");
    return found instanceof Response ? found : Response.json(found);
  };
  try {
    return await play();
  } finally {
    globalThis.fetch = fetch;
  }
}
