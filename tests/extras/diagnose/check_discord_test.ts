import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { grantIntents } from "../../../src/extras/diagnose/check_discord.ts";
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
  const output: string[] = [];
  const asked: string[] = [];
  const set: number[] = [];
  const isChanged = await grantIntents(["message_content"], APPLICATION, {
    setFlags(flags) {
      set.push(flags);
      return refusal ? Promise.reject(refusal) : Promise.resolve(APPLICATION);
    },
  }, {
    err: (line) => void output.push(line),
    problem: (message) => void output.push(message),
    ...(answer !== undefined && {
      confirm(question: string) {
        asked.push(question);
        return Promise.resolve(answer);
      },
    }),
  });
  return { isChanged, output: output.join("\n"), asked, set };
}

describe("[G9] grantIntents()", () => {
  it("asks the user, sets the flags, and prints a note", async () => {
    const { isChanged, output, asked, set } = await grant(true);
    assert.equal(isChanged, true);
    assert.deepEqual(asked, [
      "May I enable message_content for barnacle in Discord's developer portal?",
    ]);
    assert.deepEqual(
      set,
      [1 << 15 | 1 << 19],
      "it keeps its own flags, and sends none that only Discord sets",
    );
    assert.match(output, /^Done: .*message_content/);
  });

  it("changes nothing after a no", async () => {
    const { isChanged, output, set } = await grant(false);
    assert.deepEqual([isChanged, set, output], [false, [], "Nothing changed."]);
  });

  it("changes nothing without a terminal, and names --yes", async () => {
    const { isChanged, output, set } = await grant(undefined);
    assert.deepEqual([isChanged, set], [false, []]);
    assert.match(output, /--yes/);
  });

  it("reports that Discord refused", async () => {
    const refusal = new RestError("failed with 400: too many guilds", {
      kind: "rejected",
      route: "PATCH /applications/@me",
    });
    const { isChanged, output } = await grant(true, refusal);
    assert.equal(isChanged, false);
    assert.match(output, /Discord refused: PATCH .*too many guilds/);
  });

  it("rethrows unexpected errors", async () => {
    await assert.rejects(grant(true, new TypeError("ours")), TypeError);
  });
});
