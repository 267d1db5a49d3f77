import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { UserId } from "../../../../src/core/discord/ids.ts";
import { createMinutes } from "../../../../src/features/voice/talk.ts";
import { testAccount } from "../../../support/bot/test_account.ts";
import { refused } from "../../../support/discord/answers.ts";
import { channelId, guildId } from "../../../support/discord/builders.ts";

const [ADA, BEN] = ["1" as UserId, "2" as UserId];

async function build(
  says: () => string | Promise<string> = () => "They met.",
  thread: unknown = { id: "301" },
) {
  const { account, requests, asked, pass, quiet } = await testAccount({
    says,
    answer: ({ path }) => path.endsWith("/threads") ? thread : undefined,
  });
  const minutes = createMinutes(account, { guildId: guildId("200"), channelId: channelId("300") });
  return {
    ...{ asked, pass, quiet },
    add: (id: UserId, username: string, text: string) =>
      minutes.add({ sender: { id, username, roles: [] } }, text),
    forget: minutes.forget,
    async end() {
      const ended = minutes.end();
      await quiet();
      await ended;
      await quiet();
    },
    posts: () =>
      requests.flatMap(({ path, body }) =>
        path.endsWith("/messages") ? [`${path.split("/")[2]} ${body["content"]}`] : []
      ),
  };
}

describe("[V8] the minutes of a call", () => {
  it("are posted together with names, without secrets, and with a summary at the end", async () => {
    const { add, end, posts, asked, pass } = await build();
    add(ADA, "Ada **x**", "the word is hunter2");
    add(BEN, "Ben", "two\nlines");
    await pass(10_000);
    const [first, second] = posts()[0]?.split("\n") ?? [];
    assert.match(first ?? "", /^301 \*\*Ada .*\*\*: the word is \[redacted\]$/);
    assert.equal(second, "**Ben**: two lines");
    add(ADA, "Ada", "three");
    add(BEN, "Ben", "four");
    await end();
    assert.deepEqual(posts().slice(1), [
      "301 **Ada**: three\n**Ben**: four",
      "301 ## Summary\nThey met.",
    ]);
    assert.match(asked[0] ?? "", /<transcript boundary=/);
  });

  it("drop what a person wants forgotten, and keep the words of others", async () => {
    const { promise, resolve } = Promise.withResolvers<object>();
    const { add, forget, end, posts, asked, pass } = await build(() => "They met.", promise);
    add(BEN, "Ben", "first");
    for (let line = 0; line < 5; line++) add(ADA, "Ada", "words");
    await pass(10_000);
    add(ADA, "Ada", "more words");
    add(BEN, "Ben", "hi");
    forget(ADA);
    add(ADA, "Ada", "new");
    resolve({ id: "301" });
    await end();
    assert.deepEqual(posts(), ["301 **Ben**: first", "301 **Ben**: hi\n**Ada**: new"]);
    assert.deepEqual(asked, [], "there is no summary of a few lines");
  });

  it("fit Discord's messages, and keep a bounded part of a long call for the summary", async () => {
    const { add, end, posts, asked, pass } = await build(() => "x".repeat(5_000));
    for (let line = 0; line < 200; line++) {
      add(ADA, "Ada", `${line} ${"word ".repeat(100)}`);
    }
    await end();
    await pass(60_000, 1_000);
    assert.ok(posts().every(({ length }) => length <= 2_004));
    assert.equal(posts().join("\n").match(/\*\*Ada\*\*/g)?.length, 200);
    const read = asked[0] ?? "";
    assert.ok(read.length < 61_000 && read.includes("199 word") && !read.includes("**: 0 word"));
  });

  const down = () => Promise.reject(new Error("down"));
  const ends: Readonly<Record<string, readonly [Parameters<typeof build>, readonly string[]]>> = {
    "a model without a summary": [[down], ["301"]],
    "a thread that Discord refuses: the chat gets them": [
      [undefined, refused(403, 50_013)],
      ["300", "300"],
    ],
    "a Discord that does not answer": [[undefined, new Error("down")], []],
  };
  for (const [what, [given, channels]] of Object.entries(ends)) {
    it(`outlive ${what}`, async () => {
      const { add, end, posts } = await build(...given);
      for (let line = 0; line < 5; line++) add(ADA, "Ada", "words");
      await end();
      assert.deepEqual(posts().map((post) => post.split(" ")[0]), channels);
    });
  }
});
