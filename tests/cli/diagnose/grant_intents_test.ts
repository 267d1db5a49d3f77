import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { grantIntents } from "../../../src/cli/diagnose/grant_intents.ts";
import { parseSnowflake } from "../../../src/core/discord/ids.ts";
import { RestError } from "../../../src/discord/rest/exchange/rest_error.ts";

const APPLICATION = {
  id: parseSnowflake<"application">("1500000000000000002")!,
  name: "barnacle",
  flags: 1 << 15 | 1 << 23,
  needsCodeGrant: false,
  ownerIds: [],
};

async function grant(answer: boolean | undefined, refusal?: Error) {
  const said: string[] = [];
  const asked: string[] = [];
  const set: number[] = [];
  const isChanged = await grantIntents(["message_content"], APPLICATION, {
    setFlags(flags) {
      set.push(flags);
      return refusal ? Promise.reject(refusal) : Promise.resolve(APPLICATION);
    },
  }, {
    err: (line) => void said.push(line),
    problem: (message) => void said.push(message),
    ...(answer !== undefined && {
      confirm(question: string) {
        asked.push(question);
        return Promise.resolve(answer);
      },
    }),
  });
  return { isChanged, said: said.join("\n"), asked, set };
}

describe("[G9] grantIntents()", () => {
  it("asks, sets the limited flags, and says what it did", async () => {
    const { isChanged, said, asked, set } = await grant(true);
    assert.equal(isChanged, true);
    assert.deepEqual(asked, [
      "May I enable message_content for barnacle in Discord's developer portal?",
    ]);
    assert.deepEqual(
      set,
      [1 << 15 | 1 << 19],
      "what it has stays, and what only Discord sets is not sent",
    );
    assert.match(said, /^Done: .*message_content/);
  });

  it("changes nothing after a no", async () => {
    const { isChanged, said, set } = await grant(false);
    assert.deepEqual([isChanged, set, said], [false, [], "Nothing changed."]);
  });

  it("changes nothing where nobody can be asked, and says how", async () => {
    const { isChanged, said, set } = await grant(undefined);
    assert.deepEqual([isChanged, set], [false, []]);
    assert.match(said, /--yes/);
  });

  it("says that Discord did not do it", async () => {
    const refusal = new RestError("failed with 400: too many guilds", {
      kind: "rejected",
      route: "PATCH /applications/@me",
    });
    const { isChanged, said } = await grant(true, refusal);
    assert.equal(isChanged, false);
    assert.match(said, /Discord refused: PATCH .*too many guilds/);
  });

  it("hides no fault of ours", async () => {
    await assert.rejects(grant(true, new TypeError("ours")), TypeError);
  });
});
