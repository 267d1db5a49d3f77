import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CommandCall } from "../../../src/core/inbound/interactions.ts";
import type { ConfigPort } from "../../../src/interactions/base/context.ts";
import { config } from "../../../src/interactions/commands/config.ts";
import { guildMessage } from "../../support/discord/builders.ts";
import { interactionContext } from "../../support/discord/interaction_context.ts";

function build({ reading = true, writing = true, problem }: {
  readonly reading?: boolean;
  readonly writing?: boolean;
  readonly problem?: string;
} = {}) {
  const values = new Map([["log.level", '"info"']]);
  const written: unknown[] = [];
  const port: ConfigPort = {
    allows: () => ({ reading, writing }),
    paths: () => ["log.level", "commands.native"],
    get: (path) => Promise.resolve(values.get(path)),
    set(path, value) {
      if (problem === undefined) written.push([path, value]);
      return Promise.resolve(problem);
    },
  };
  const context = interactionContext({ config: port });
  const use = async (subcommand: string, options: CommandCall["options"] = {}) => {
    const call: CommandCall = { ...guildMessage(), name: "config", subcommand, options };
    return String(await config.run(call, context));
  };
  return { use, written, context };
}

describe("[K4] /config", () => {
  it("is there only if the config allows it, and only for owners", async () => {
    const { use, context } = build({ reading: false });
    assert.equal(config.isOffered?.(context), false);
    assert.equal(config.needs, "owner");
    assert.match(await use("get"), /`commands\.config`/);
  });

  it("shows one key", async () => {
    const { use } = build();
    assert.equal(await use("get", { path: "log.level" }), '```json\n"info"\n```');
    assert.match(await use("get", { path: "log.colour" }), /has no `log\.colour`/);
  });

  it("sets and removes a key", async () => {
    const { use, written } = build();
    assert.match(
      await use("set", { path: "log.level", value: "debug" }),
      /changed at `log\.level`/,
    );
    assert.match(await use("unset", { path: "log.level" }), /changed/);
    assert.match(await use("unset", { path: "x" }), /has no `x`/);
    assert.deepEqual(written, [["log.level", "debug"], ["log.level", undefined]]);
  });

  it("changes nothing if the file would be invalid, or if the config forbids it", async () => {
    const invalid = build({ problem: "log.level: Expected a level" });
    const set = { path: "log.level", value: "loud" };
    assert.match(await invalid.use("set", set), /Expected a level/);
    const closed = build({ writing: false });
    assert.match(await closed.use("set", set), /configWrites/);
    assert.match(await closed.use("get", { path: "log.level" }), /info/);
    assert.deepEqual([...invalid.written, ...closed.written], []);
  });
});
