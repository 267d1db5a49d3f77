import assert from "node:assert/strict";
import { it } from "node:test";
import type { DiscordCall } from "../../../src/core/turn/ports/discord_call.ts";
import { createKnowledgePort } from "../../../src/flows/tools/knowledge.ts";
import { directMessage, guildMessage } from "../../support/discord/builders.ts";

it("[T17] a search is for the asker alone only where no one else reads the session", async () => {
  const inGroup = { ...directMessage(), place: { kind: "group_dm" } } as const;
  const rows = [
    [guildMessage(), false, /^readers$/],
    [guildMessage(), true, /^readers$/],
    [directMessage(), false, /^asker$/],
    [directMessage(), true, /all direct messages share one conversation/],
    [inGroup, false, /a group has no server/],
  ] as const;
  for (const [message, sharesDirect, expected] of rows) {
    const port = createKnowledgePort({
      search: ({ reach }) => Promise.resolve({ sources: [], notes: [reach] }),
      sharesDirect: () => sharesDirect,
    });
    const call = { message, signal: new AbortController().signal } as DiscordCall;
    const said = await port.search(call, { words: "x", limit: 1 }).then(
      ({ notes }) => notes,
      String,
    );
    assert.match(String(said), expected);
  }
});
