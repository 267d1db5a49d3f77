import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ModelMessage } from "../../src/core/model.ts";
import { hasCalls, withoutTools } from "../../src/core/model.ts";

const call = (id: string) => ({ id, name: "tide", arguments: "{}" });
const user = (text: string): ModelMessage => ({ role: "user", text });
const says = (text: string, ...ids: readonly string[]): ModelMessage => ({
  role: "assistant",
  text,
  ...(ids.length > 0 && { calls: ids.map(call) }),
});
const result = (id: string, text: string): ModelMessage => ({ role: "tool", call: call(id), text });

const plain = (...messages: readonly ModelMessage[]) =>
  withoutTools({ system: "be kind", messages, tools: [], mayCall: false });

describe("[L3] withoutTools()", () => {
  it("puts results into the user's message, and leaves out calls", () => {
    const asked = plain(
      user("hi"),
      says("hello"),
      user("tides?"),
      says("Let me look.", "a", "b"),
      result("a", "high"),
      result("b", "low"),
      says("", "a"),
      result("a", "high again"),
      says("high"),
      user("and now?"),
    );
    assert.deepEqual(asked, {
      system: "be kind",
      messages: [
        user("hi"),
        says("hello"),
        user(
          'tides?\n[result of the tool "tide"]\nhigh\n[result of the tool "tide"]\nlow\n' +
            '[result of the tool "tide"]\nhigh again',
        ),
        says("high"),
        user("and now?"),
      ],
    });
  });

  it("keeps the messages of a conversation without calls", () => {
    const messages = [user("hi"), says("hello"), user("bye")];
    assert.equal(withoutTools({ system: "", messages }).messages, messages);
    assert.equal(hasCalls(messages), false);
    assert.equal(hasCalls([user("hi"), says("", "a")]), true);
  });
});
