/** A dialogue and ports with answers of a test. */

import assert from "node:assert/strict";
import type { Dialogue } from "../../../src/features/setup/ports/dialogue.ts";
import type { SetupDiscord } from "../../../src/features/setup/ports/discord_port.ts";
import type { ModelPort } from "../../../src/features/setup/ports/model_port.ts";
import type { OwnCommands } from "../../../src/features/setup/ports/own_commands.ts";
import type { SetupPorts } from "../../../src/features/setup/steps/setup_ports.ts";

/** A dialogue that gives these answers, and notes what it says and asks. */
export function scriptedDialogue(answers: readonly (string | boolean)[]) {
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
  return { dialogue, lines, isDone: () => left.length === 0 };
}

/** The ports of a test; the others throw. */
export function portsOf(
  dialogue: Dialogue,
  { discord = {}, models = {}, commands = {}, channels, present = { owners: [] }, env = {} }: {
    readonly discord?: Partial<SetupDiscord>;
    readonly models?: Partial<ModelPort>;
    readonly commands?: Partial<OwnCommands>;
    readonly channels?: readonly string[];
    readonly present?: SetupPorts["present"];
    readonly env?: SetupPorts["env"];
  },
): SetupPorts {
  const absent = () => {
    throw new Error("the test has no such port");
  };
  return {
    dialogue,
    channels,
    present,
    env,
    openDiscord: () => ({
      whoAmI: absent,
      servers: absent,
      channels: absent,
      setFlags: absent,
      person: absent,
      search: absent,
      hidden: absent,
      stop() {},
      ...discord,
    }),
    models: { localServers: absent, list: absent, test: absent, pull: absent, ...models },
    commands: {
      program: "./barnacle",
      offer: absent,
      install: absent,
      instruct: absent,
      greet: absent,
      ...commands,
    },
  };
}
