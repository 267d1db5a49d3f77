import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRoute } from "../../../src/flows/judging/route.ts";
import { textCommandIn } from "../../../src/core/inbound/text_commands.ts";
import { TEXT_COMMANDS } from "../../../src/interactions/registry.ts";
import { loadTestConfig } from "../../support/config.ts";
import { guildMessage } from "../../support/discord/builders.ts";

async function prepareKeys({ opensThreads = false } = {}) {
  const config = await loadTestConfig({});
  const route = createRoute({
    config: () => config,
    agentFor: () => "main",
    sessionOwner: () => undefined,
    opensFor: () => opensThreads,
    commandOf: (message) => textCommandIn(message, TEXT_COMMANDS),
  });
  return (text: string) => route(guildMessage({ text })).sessionKey;
}

describe("[K1] [S1] [S7] createRoute()", () => {
  it("gives commands a session beside the conversation, unless they change it", async () => {
    const keyOf = await prepareKeys();
    const key = keyOf("hello");
    assert.deepEqual([keyOf("/status"), keyOf("/reset")], [`${key}:commands`, key]);
  });

  it("gives the session of a thread to answers that open one, and never to commands", async () => {
    const inChannel = await prepareKeys();
    const opening = await prepareKeys({ opensThreads: true });
    assert.notEqual(opening("hello"), inChannel("hello"));
    for (const text of ["/status", "/reset"]) assert.equal(opening(text), inChannel(text));
  });
});
