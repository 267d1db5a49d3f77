/** Tests links of answers over the life of a conversation, as people see them (R9). */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { textOf } from "../../../simulator/world/components.ts";
import { killBot, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { startFixedModel } from "../../support/model/fixed_model.ts";

const FOUND = "https://found.example/page?id=42";
const SAID = "https://said.example/page?id=7";
const OTHER = "https://found.example/page?id=43";
const SUPPRESS_EMBEDS = 1 << 2;

describe("[R9] links in a conversation", () => {
  const play = sharedBot({});

  it("keeps those of tools and people whole, also after a kill and a summary", async () => {
    const filler = "High at noon. ".repeat(2_000); // the transcript keeps a part of the result
    const results = [
      { url: "https://a.example/", title: "Tides", content: filler },
      { url: FOUND, title: "Plankton", content: filler },
    ];
    const engine = createServer((_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ results }));
    });
    await new Promise<void>((resolve) => engine.listen(0, "127.0.0.1", resolve));
    const { port } = engine.address() as AddressInfo;
    await using model = await startFixedModel((asked, { system }) => {
      if (system.startsWith("You shorten the transcript")) return "They spoke of tides.";
      if (asked.includes("Plankton")) return `Here: ${FOUND}`;
      if (asked.includes("search!")) {
        return { calls: [{ id: "c1", name: "web_search", arguments: '{"query":"tides"}' }] };
      }
      return `Again: ${FOUND}, ${SAID} and ${OTHER}, https://www.youtube.com/watch?v=1`;
    });
    const config = {
      commands: { ownerAllowFrom: ["grace"] },
      search: { kind: "searxng", url: `http://127.0.0.1:${port}` },
    };
    try {
      await withSimulation(
        { config },
        async ({ simulator, start, say, mention, replies, rows, until }) => {
          const env = { OPENAI_BASE_URL: model.baseUrl };
          const first = await start(env);
          say("grace", "general", `${mention} search! I know ${SAID}`);
          assert.deepEqual(await replies("general", 1), [`Here: <${FOUND}>`]);
          assert.equal(simulator.posted("general").at(-1)?.flags, SUPPRESS_EMBEDS);
          const again = `Again: <${FOUND}>, <${SAID}> and <https://found.example/page> ` +
            "`?id=43`, https://www.youtube.com/watch?v=1";
          say("ada", "general", `${mention} again!`); // another person
          assert.equal((await replies("general", 2))[1], again);

          await until("the transcript", () => rows("SELECT 1 FROM entry").length >= 4);
          await killBot(first);
          await start(env);
          say("grace", "general", `${mention} again!`);
          assert.equal((await replies("general", 3))[2], again);

          say("grace", "general", `${mention} /compact`);
          await until("the summary", () => rows("SELECT 1 FROM checkpoint").length === 1);
          await replies("general", 4);
          say("grace", "general", `${mention} again!`);
          assert.equal((await replies("general", 5))[4], again);

          say("grace", "general", `${mention} /new`);
          await replies("general", 6);
          say("grace", "general", `${mention} once more`);
          const last = (await replies("general", 7))[6] ?? "";
          assert.ok(last.includes("<https://found.example/page> `?id=42`"), last);
        },
      );
    } finally {
      engine.close();
    }
  });

  it("shows a link in a question to people as an answer would", async () => {
    await using model = await startFixedModel((asked) => {
      if (!asked.includes("page?id=42")) {
        const source = "'https://found.example/' + 'page?id=42'";
        return { calls: [{ id: "c1", name: "code", arguments: JSON.stringify({ source }) }] };
      }
      const ask = { question: `Is it ${FOUND} or ${OTHER}?`, options: ["one", "other"] };
      return { calls: [{ id: "c2", name: "ask", arguments: JSON.stringify(ask) }] };
    });
    await play(async ({ say, mention, simulator, until, here }) => {
      say("grace", here, `${mention} find it`);
      const { id } = simulator.channel(here);
      const card = await until("the question", () => simulator.posted(id).at(-1));
      const shown = `Is it <${FOUND}> or <https://found.example/page> \`?id=43\``;
      assert.ok(textOf(card).includes(shown), textOf(card));
    }, { config: model.config });
  });

  it("shows a link in a posted message as an answer would", async () => {
    await using model = await startFixedModel((asked) => {
      const [, channelId] = /post it! #help \((\d+)\)/.exec(asked) ?? [];
      if (channelId === undefined) return "Done.";
      const text = `See ${SAID} or ${OTHER}`;
      const post = { action: "sendMessage", channelId, text };
      return { calls: [{ id: "c1", name: "discord", arguments: JSON.stringify(post) }] };
    });
    await play(async ({ say, mention, replies, simulator, here }) => {
      say("grace", here, `${mention} about ${SAID}`);
      await replies(here, 1);
      const help = simulator.channel("help").id;
      say("grace", here, `${mention} post it! <#${help}>`);
      await replies(here, 2);
      assert.deepEqual(await replies("help", 1), [
        `See <${SAID}> or <https://found.example/page> \`?id=43\``,
      ]);
    }, { config: { commands: { ownerAllowFrom: ["grace"] }, ...model.config } });
  });
});
