import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { exampleText, tableText } from "../../scripts/config_reference.ts";

describe("[C4] config_reference", () => {
  it("made config.example.jsonc as it is", () => {
    const path = join(import.meta.dirname!, "..", "..", "config.example.jsonc");
    assert.equal(readFileSync(path, "utf8"), exampleText());
  });

  it("has every section and the marks of what is not built in the table", () => {
    const table = tableText();
    for (
      const row of [
        "| `channels.discord.textChunkLimit` | `2000` | Characters in one message, at most. |",
        "| `channels.discord.token` | `DISCORD_BOT_TOKEN` | ",
        "| `channels.discord.guilds.<guild>.channels.<channel>.requireMention` | as the guild | ",
        "| `agents.list[].id` | required | ",
        "| `router` † |  | ",
        "| `agents.defaults.model.fallbacks` † | `[]` | ",
        "| `messages.texts.failure` | ",
        "| `models.providers.<id>.kind` | required | ",
      ]
    ) assert.ok(table.includes(row), row);
    assert.doesNotMatch(table, /undefined/);
  });
});
