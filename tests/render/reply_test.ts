import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  type AllowedMentions,
  composeFailure,
  composeReply,
  composeSend,
  freeze,
  type ModelAnswer,
  type ReplyRules,
  type ShownToModel,
} from "../../src/render/reply.ts";
import { createSecretFilter } from "../../src/render/safety/secrets.ts";
import {
  ACCOUNT,
  channelId,
  directMessage,
  guildMessage,
  messageId,
  overheard,
  roleId,
  userId,
} from "../support/discord/builders.ts";
import { sameData } from "../support/same_data.ts";

const ADA = userId("123456789012345678");
const BOB = userId("987654321098765432");
const STRANGER = userId("555555555555555555");
const MODS = roleId("1400000000000000003");
const TOKEN = "MTQwMDAwMDAwMDAwMDAwMDAx.GabcDE.x-yz_0123456789abcdefghijklmno";

const filter = createSecretFilter([TOKEN]);
const RULES: ReplyRules = {
  chunks: { limit: 2_000, maxLines: 17, mode: "length", maxChunks: 12 },
  tables: "code",
  allowedMentions: { users: "context", roles: [] },
  replyToMode: "first",
  linkHosts: [],
  maxFileBytes: 8_000_000,
  cleanSecrets: (text) => filter(text).text,
};
const SHOWN: ShownToModel = { overheard: [], texts: () => [], system: "" };

interface Fields extends Partial<Omit<ModelAnswer, "rules" | "shown">> {
  readonly rules?: Partial<ReplyRules>;
  readonly shown?: Partial<ShownToModel>;
}

const answer = ({ rules, shown, ...fields }: Fields = {}): ModelAnswer => ({
  message: directMessage(),
  agentId: "main",
  text: "hello, Ada",
  shown: { ...SHOWN, ...shown },
  rules: { ...RULES, ...rules },
  ...fields,
});

function replyOf(fields: Fields) {
  const composed = composeReply(answer(fields));
  assert.ok(composed.kind === "reply");
  return composed.reply;
}

const file = (name: string, text = "x") => ({ name, bytes: new TextEncoder().encode(text) });

describe("composeReply()", () => {
  it("[SEC-R7] [SEC-R10] [R15] finds secrets, links and small type in HTML, entities and references", () => {
    const encoded = Array.from(TOKEN, (one) => `&#${one.codePointAt(0)};`).join("");
    const rows = [
      [`The token is ${encoded}.`, /^The token is \[\S*\]\.$/],
      [
        `The token is ${TOKEN.slice(0, 9)}<b></b>${TOKEN.slice(9)}.`,
        /^The token is (?!.*0123456789)/,
      ],
      ["https:&#47;&#47;evil.example/x", /^<https:\/\/evil\.example\/x>$/],
      ["[a][1]\n\n[1]: https://evil.example/x", /^\[a\]\(<https:\/\/evil\.example\/x>\)$/],
      ["[https://good.example](https://evil.example/x)", /^<https:\/\/evil\.example\/x>$/],
      ["![a](https://evil.example/x)", /^\[a\]\(<https:\/\/evil\.example\/x>\)$/],
      ["x\n&#45;# ✓ done", /^x\n\\?✓ done$/],
      ["x<br>-# ✓ done", /^x\n✓ done$/],
    ] as const;
    for (const [text, expected] of rows) {
      const { chunks: [content = ""] } = replyOf({ text });
      assert.match(content, expected);
      assert.ok(!content.includes(TOKEN), content);
    }
  });

  it("[S3] answers the message in its channel", () => {
    const message = guildMessage({ channelId: channelId("1400000000000000012"), revision: 2 });
    sameData(composeReply(answer({ message })), {
      kind: "reply",
      text: "hello, Ada",
      reply: {
        accountId: message.accountId,
        channelId: message.channelId,
        cause: message.id,
        revision: 2,
        agentId: "main",
        kind: "reply",
        guildId: message.guildId,
        chunks: ["hello, Ada"],
        files: [],
        mayPing: { users: [ADA], roles: [] },
      },
    });
  });

  it("[R1] splits a long answer", () => {
    const { chunks } = replyOf({ text: "a".repeat(2_001) });
    assert.deepEqual(chunks.map(({ length }) => length), [2_000, 1]);
  });

  const endings: readonly [text: string, kind: string][] = [
    ["NO_REPLY", "declined"],
    [" `NO_REPLY`\n", "declined"],
    ["<think>hm</think>NO_REPLY", "declined"],
    ["[[reply_to_current]] NO_REPLY", "declined"],
    ["I say NO_REPLY", "reply"],
    ["[[reply_to_current]]", "blank"],
    ["<think>only thoughts</think>", "blank"],
    [" \n", "blank"],
    ["\u200b\ufeff\u3164\ufe0f \u2800", "blank"],
  ];
  for (const [text, kind] of endings) {
    it(`[R10] ${JSON.stringify(text)} is ${kind}`, () => {
      assert.equal(composeReply(answer({ text })).kind, kind);
    });
  }

  it("[R10] [R12] is no silence if a file goes with it: only the file is sent", () => {
    const { chunks, files } = replyOf({ text: "NO_REPLY", files: [file("a.txt")] });
    assert.deepEqual([chunks, files.map(({ name }) => name)], [[], ["a.txt"]]);
  });

  const quotedBob = directMessage({
    quoted: { id: messageId("1400000000000000009"), author: { id: BOB, tag: "bob" }, text: "x" },
  });
  const MODS_ONLY = [MODS];
  const mayPing: readonly [string, Fields, AllowedMentions, readonly string[]][] = [
    ["the author", {}, { users: "context", roles: [] }, [ADA]],
    ["the quoted", { message: quotedBob }, { users: "context", roles: [] }, [ADA, BOB]],
    [
      "the overheard, each once",
      { shown: { overheard: [overheard(), overheard(), overheard({ authorId: ADA })] } },
      { users: "context", roles: [] },
      [ADA, BOB],
    ],
    ["only the author", { message: quotedBob }, { users: "author", roles: [] }, [ADA]],
    ["nobody", { message: quotedBob }, { users: "none", roles: MODS_ONLY }, []],
  ];
  for (const [name, fields, allowedMentions, users] of mayPing) {
    it(`[R4] may ping ${name}`, () => {
      const { mayPing } = replyOf({ ...fields, rules: { allowedMentions } });
      assert.deepEqual(mayPing, { users, roles: allowedMentions.roles });
    });
  }

  it("[R4] makes no mention of a name in a link", () => {
    const text = "https://x.org/?u=@bob [@bob](https://x.org) @bob";
    const shown = { overheard: [overheard()] };
    const { chunks } = replyOf({ text, shown, rules: { linkHosts: ["x.org"] } });
    assert.deepEqual(chunks, [text.replace(/@bob$/, `<@${BOB}>`)]);
  });

  it("[SEC-R5] never pings everyone, a role or a stranger", () => {
    const text = `@everyone @here <@&${MODS}> <@${STRANGER}>`;
    const [frozen] = freeze(replyOf({ text }));
    assert.deepEqual(frozen?.message.pings, { users: [], roles: [], quotedAuthor: false });
  });
});

describe("[R3] composeReply() › reply tags", () => {
  const QUOTED = messageId("1400000000000000009");
  const OVERHEARD = messageId("1400000000000000020");
  const EARLIER = messageId("1400000000000000030");
  const message = directMessage({
    quoted: { id: QUOTED, author: { id: BOB, tag: "bob" }, text: "x" },
  });
  const shown: Partial<ShownToModel> = {
    overheard: [overheard({ messageId: OVERHEARD })],
    texts: () => [
      `{"id":"${OVERHEARD}","from":"bob","from_id":"${BOB}"}`,
      `[from: ada (${ADA})] [message_id: ${EARLIER}]\nhello`,
    ],
  };
  const current = { messageId: message.id, authorId: ADA };
  const quotes: readonly [tag: string, quote: unknown][] = [
    ["", undefined],
    ["[[reply_to_current]]", current],
    [`[[reply_to:${message.id}]]`, current],
    [`[[reply_to:${QUOTED}]]`, { messageId: QUOTED, authorId: BOB }],
    [`[[reply_to:${OVERHEARD}]]`, { messageId: OVERHEARD, authorId: BOB }],
    [`[[reply_to:${EARLIER}]]`, { messageId: EARLIER }],
    ["[[reply_to:1400000000000000099]]", current],
    [`[[reply_to:${BOB}]]`, current],
    [`[[reply_to:${EARLIER.slice(0, -1)}]]`, current],
    ["[[reply_to:x]]", current],
  ];
  for (const [tag, quote] of quotes) {
    it(tag === "" ? "nothing" : tag, () => {
      const text = `${tag} hello, Ada`;
      for (const replyToMode of ["off", "first", "all"] as const) {
        const reply = replyOf({ message, shown, text, rules: { replyToMode } });
        assert.deepEqual(reply.chunks, ["hello, Ada"]);
        const expected = quote && replyToMode !== "off" ? { ...quote, on: replyToMode } : undefined;
        sameData(reply.quote, expected);
      }
    });
  }
});

describe("[R5] composeReply() › tables", () => {
  it("shows tables as the config says", () => {
    const text = "| a | b |\n|---|---|\n| 1 | 2 |";
    assert.match(replyOf({ text }).chunks.join(), /^```/);
    assert.equal(replyOf({ text, rules: { tables: "off" } }).chunks.join(), text);
  });
});

const spellings: readonly string[] = [
  TOKEN,
  btoa(TOKEN),
  `${TOKEN.slice(0, 20)}[[reply_to_current]]${TOKEN.slice(20)}`,
  `${TOKEN.slice(0, 20)}<think>x</think>${TOKEN.slice(20)}`,
  `https://evil.example/?k=${TOKEN}`,
];
for (const spelled of spellings) {
  it(`[SEC-R10] composeReply() › secrets › ${spelled}`, () => {
    const text = `${"a".repeat(1_960)} ${spelled} behind`;
    const composed = composeReply(answer({ text }));
    assert.ok(composed.kind === "reply");
    const frozen = JSON.stringify(freeze(composed.reply));
    const letters = frozen.replace(/[^A-Za-z0-9]/g, "");
    assert.ok(!letters.includes("0123456789abcdefghijklmno"));
    assert.ok(!frozen.includes(btoa(TOKEN).slice(10, 40)));
  });
}

describe("[R6] composeReply() › too long", () => {
  const text = Array.from({ length: 400 }, (_, index) => `line ${index}`).join("\n");
  const reply = replyOf({ text });

  it("composes one message and a file", () => {
    assert.equal(reply.chunks.length, 1);
    assert.match(reply.chunks[0] ?? "", /^line 0\n[^]*`answer\.md`\.$/);
    assert.deepEqual(reply.files.map(({ name }) => name), ["answer.md"]);
    assert.equal(new TextDecoder().decode(reply.files[0]?.bytes), text);
  });

  it("puts the file before other files", () => {
    const { files } = replyOf({ text, files: [file("a.txt")] });
    assert.deepEqual(files.map(({ name }) => name), ["answer.md", "a.txt"]);
  });

  it("does not count an answer that just fits", () => {
    const { chunks, files } = replyOf({ text: Array(12).fill("a".repeat(1_999)).join("\n") });
    assert.deepEqual([chunks.length, files], [12, []]);
  });
});

describe("[R12] composeReply() › files", () => {
  it("sends files without text", () => {
    const composed = composeReply(answer({ text: "<think>x</think>", files: [file("a.txt")] }));
    assert.ok(composed.kind === "reply");
    assert.deepEqual(composed.reply.chunks, []);
    assert.equal(freeze(composed.reply).length, 1);
  });

  it("names a file that is too large in the text", () => {
    const big = file("big.bin", "x".repeat(1_001));
    const reply = replyOf({ files: [big], rules: { maxFileBytes: 1_000 } });
    assert.deepEqual(reply.files, []);
    assert.match(reply.chunks.join(), /^hello, Ada\n\n`big\.bin` .*1 kB.*1 kB/);
  });
});

describe("[S4] composeSend()", () => {
  const outgoing = { accountId: ACCOUNT, channelId: channelId("1400000000000000002") };

  it("[R4] pings no one, and answers no one", () => {
    const text = `@everyone <@${ADA}> https://evil.example/?k`;
    const [frozen] = composeSend({ ...outgoing, text }, RULES);
    sameData(frozen?.message, {
      ...outgoing,
      nonce: "",
      content: text,
      pings: { users: [], roles: [], quotedAuthor: false },
    });
  });

  it("[R1] [D2] splits a long text, whose rows give nonces, and [R6] sends a file if it is too long", () => {
    const two = composeSend({ ...outgoing, text: "a".repeat(2_001) }, RULES);
    const alike = ["", undefined, undefined];
    assert.deepEqual(
      two.map(({ message: { nonce, of, suppressesNotifications } }) => [
        ...[nonce, of, suppressesNotifications],
      ]),
      [alike, alike],
    );
    const [frozen, ...rest] = composeSend({ ...outgoing, text: "a\n".repeat(1_000) }, RULES);
    assert.deepEqual([frozen?.files[0]?.name, rest], ["answer.md", []]);
  });

  it("[SEC-R10] removes secrets", () => {
    const files = [file("a.txt", TOKEN)];
    const frozen = composeSend({ ...outgoing, text: `it is ${TOKEN}`, files }, RULES);
    assert.equal(frozen[0]?.message.content, "it is [redacted]");
    assert.equal(new TextDecoder().decode(frozen[0]?.files[0]?.bytes), "[redacted]");
  });

  it("composes nothing for an empty text", () => {
    assert.deepEqual(composeSend({ ...outgoing, text: " " }, RULES), []);
  });
});

describe("[R11] composeFailure()", () => {
  const failure = composeFailure(answer(), "Oh no: `f7k2`");

  it("composes one message with the id that pings no one", () => {
    assert.equal(failure.kind, "failure");
    assert.equal(failure.chunks.length, 1);
    assert.match(failure.chunks[0] ?? "", /f7k2/);
    assert.deepEqual(failure.mayPing, { users: [], roles: [] });
  });
});

describe("[R15] small type", () => {
  const TABLE: readonly [text: string, shown: string][] = [
    ["-# ✓ note 1 saved", "✓ note 1 saved"],
    ["Done.\n-# Nothing was changed", "Done.\nNothing was changed"],
    ["Done.\n  > -# 🔒", "Done.\n  > 🔒"],
    ["- -# x\n1. -# y", "- x\n1. y"],
    ["Done.\n-# -# x", "Done.\nx"],
    ["Done.\n--# # x", "Done.\n# x"],
    ["Done.\n-#\tx", "Done.\nx"],
    ["Done.\n-\u0000# x", "Done.\nx"],
    ["Done.\n-<think>a</think># x", "Done.\nx"],
    ["C-# and a-#b", "Cand a-#b"],
    ["`-# x`\n```\n-# x\n```", "`-# x`\n```\n-# x\n```"],
  ];
  for (const [text, shown] of TABLE) {
    it(`is the bot's alone: ${JSON.stringify(text)}`, () => {
      assert.equal(replyOf({ text }).chunks.join("\n"), shown);
    });
  }

  it("begins no line of an answer, however the model writes it, and however it is split", () =>
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom(
            "-#",
            "-",
            "#",
            " ",
            "\n",
            "> ",
            "x",
            "**",
            "\t",
            "x".repeat(1_990),
            "🔒",
          ),
          { maxLength: 25 },
        ).map((parts) => parts.join("")),
        (text) => {
          const { chunks } = replyOf({ text: `a ${text}` });
          for (const chunk of chunks) {
            assert.doesNotMatch(chunk, /^(?:[\t]|>>> |> |[-*+] |\d+[.)])*-#\s/m);
          }
        },
      ),
      { numRuns: 500 },
    ));
});
