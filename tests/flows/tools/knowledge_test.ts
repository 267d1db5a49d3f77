import assert from "node:assert/strict";
import { it } from "node:test";
import type { DiscordCall } from "../../../src/core/turn/ports/discord_call.ts";
import { createKnowledgePort } from "../../../src/flows/tools/knowledge.ts";
import { directMessage, guildMessage } from "../../support/discord/builders.ts";

it("[T17] a search is for the asker alone only where no one else reads the session", async () => {
  const inGroup = { ...directMessage(), place: { kind: "group_dm" } } as const;
  for (
    const [message, sharesDirect, expected] of [
      [guildMessage(), false, "readers"],
      [guildMessage(), true, "readers"],
      [directMessage(), false, "asker"],
      [directMessage(), true, /all direct messages share one conversation/],
      [inGroup, false, /a group has no server/],
      [inGroup, true, /a group has no server/],
    ] as const
  ) {
    const reaches: string[] = [];
    const port = createKnowledgePort({
      search: ({ reach }) => {
        reaches.push(reach);
        return Promise.resolve({ sources: [], notes: [] });
      },
      sharesDirect: () => sharesDirect,
    });
    const { signal } = new AbortController();
    const call = { message, signal, callKey: "call" } as DiscordCall;
    const searched = port.search(call, { words: "x", limit: 1 });
    if (typeof expected === "string") await searched;
    else await assert.rejects(searched, expected);
    assert.deepEqual(reaches, typeof expected === "string" ? [expected] : []);
  }
});
