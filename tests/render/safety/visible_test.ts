import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import fc from "fast-check";
import { withoutPreviews } from "../../../src/render/markdown/as_markdown.ts";
import { createSecretFilter, createSecretTail } from "../../../src/render/safety/secrets.ts";
import { isNoReply, visibleText } from "../../../src/render/safety/visible.ts";
import { isWrittenCall } from "../../../src/render/safety/written_call.ts";
import { anyCharacter } from "../../support/any_character.ts";
import { cases } from "../../support/long_form.ts";
import { HARMLESS, LEAKS } from "../leaks.ts";

describe("[SEC-R8] visibleText()", () => {
  it("covers more than sixty kinds of leaks", () => assert.ok(LEAKS.length >= 60));

  for (const [name, answer, visible] of LEAKS) {
    it(`removes ${name}`, () => assert.equal(visibleText(answer), visible));
  }

  for (const [name, answer] of HARMLESS) {
    it(`keeps ${name}`, () => assert.equal(visibleText(answer), answer));
  }

  it("finds nothing more in its own output", () => {
    for (const [, answer] of LEAKS) {
      const visible = visibleText(answer);
      assert.equal(visibleText(visible), visible);
    }
  });

  it("finds each leak before and after words", () => {
    const [before, after] = ["Good morning.", "That is all."];
    for (const [name, answer, visible] of LEAKS) {
      if (
        /end|begin|made up|repeat|unended|never|steps|silence|without its|own tag|nested|one line|Llama's tag/i
          .test(name)
      ) {
        continue; // their meaning depends on the text around them
      }
      const all = visibleText(`${before}\n\n${answer}\n\n${after}`);
      assert.equal(
        all.replace(/\s+/g, " "),
        [before, visible, after].filter(Boolean).join(" ").replace(/\s+/g, " "),
        name,
      );
    }
  });

  it("never fails, and returns well-formed text for any answer", () => {
    const piece = fc.oneof(
      fc.constantFrom(...LEAKS.map(([, answer]) => answer)),
      fc.constantFrom("`", "```", "\n", "<think>", "</think>", "[INST]", "{", "}", "hello"),
      fc.string({ unit: anyCharacter }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const visible = visibleText(pieces.join(""));
        assert.ok(visible.isWellFormed());
        assert.equal(visible, visible.trim());
      }),
      { numRuns: 500 },
    );
  });
});

describe("[R10] visibleText()", () => {
  const cases: readonly [answer: string, visible: string][] = [
    ["hello", "hello"],
    ["  hello\n", "hello"],
    ["half a \ud83d shrimp", "half a \ufffd shrimp"],
    ["<Thinking>a\nb</Thinking>hello", "hello"],
    [" \n<think></think>hello", "hello"],
    ["NO_REPLY", "NO_REPLY"],
    ["hel\0lo\u001b[31m", "hello[31m"],
    ["\0NO_REPLY", "NO_REPLY"],
    ["<thi\0nk>secret</think>hello", "hello"],
    ["\0\u0007", ""],
    ["a\tb\r\nc\nd", "a\tb\r\nc\nd"],
  ];
  for (const [answer, visible] of cases) {
    it(`${JSON.stringify(answer)} is ${JSON.stringify(visible)}`, () => {
      assert.equal(visibleText(answer), visible);
    });
  }
});

const SIZE = 1_000_000; // a pass that starts again at each of them would take minutes
for (const [what, filler] of [["line breaks", "\n"], ["spaces", " "], ["blank lines", " \n\t\n"]]) {
  it(`[R10] visibleText() › answers of a confused model › reads a megabyte of ${what} once`, () => {
    const written = `so${filler?.repeat(SIZE / filler.length)}be it`;
    assert.equal(visibleText(written), written);
    assert.equal(visibleText(`${written} <think>no</think>`), written);
  });
}

describe("[R10] isNoReply()", () => {
  const cases: readonly [text: string, is: boolean][] = [
    ["NO_REPLY", true],
    ["`NO_REPLY`", true],
    ["**NO_REPLY**.", true],
    ["no_reply", false],
    ["NO_REPLY, sorry", false],
    ["", false],
  ];
  for (const [text, is] of cases) {
    it(`${JSON.stringify(text)}: ${is}`, () => assert.equal(isNoReply(text), is));
  }
});

const rules = {
  written: ["look at https://said.example/x"],
  linkHosts: ["good.example", "*.ok.example"],
};
const rows: readonly (readonly [text: string, shown: string])[] = [
  ["no link", "no link"],
  ["see https://bad.example/?q=secret.", "see <https://bad.example/?q=secret>."],
  ["[here](https://bad.example/a)", "[here](<https://bad.example/a>)"],
  ["<https://bad.example/a>", "<https://bad.example/a>"],
  [
    "https://good.example/a and https://a.ok.example",
    "https://good.example/a and https://a.ok.example",
  ],
  ["https://said.example/x", "https://said.example/x"],
  ["https://good.example.bad.example/", "<https://good.example.bad.example/>"],
  ["https://good.example@bad.example/", "<https://good.example@bad.example/>"],
];
for (const [text, shown] of rows) {
  it(`[SEC-R7] withoutPreviews() › shows ${text}`, () => {
    const { text: given, found } = withoutPreviews(text, rules);
    assert.equal(given, shown);
    assert.equal(found > 0, shown.includes("<"));
  });
}

const SECRET = "MTQwMDAw.Gabc12.x-YZ_secretpart";

describe("[SEC-R10] createSecretFilter()", () => {
  const filter = createSecretFilter([SECRET, "hunter2"]);
  for (
    const text of [
      SECRET,
      SECRET.toUpperCase(),
      [...SECRET].join(" "),
      `**${SECRET.slice(0, 8)}**${SECRET.slice(8)}`,
      Buffer.from(SECRET).toString("base64"),
      Buffer.from(SECRET).toString("hex"),
      "hunter2",
    ]
  ) {
    it(`removes ${text}`, () => {
      const { text: clean, found } = filter(`it is ${text} here`);
      assert.equal(found, 1);
      assert.match(clean, /^it is \**\[redacted\]=* here$/);
    });
  }
  it("leaves other texts", () => {
    const text = "hunter23 and MTQwMDAw";
    assert.deepEqual(filter(text), { text, found: 0 });
    assert.deepEqual(createSecretFilter(["", "abc"])("abc"), { text: "abc", found: 0 });
  });
});

const tail = createSecretTail([SECRET]);
it("[R8] createSecretTail() › holds back the beginning of a secret", () => {
  assert.equal(tail("it is MTQwMD"), 6);
  assert.equal(tail("it is MTQ"), 9);
  assert.equal(tail("it is fine"), 10);
});

const JSON_CALL = '{"name": "tide", "arguments": {"port": "Hull"}}';

/** Calls as models write them if their server does not read them, beside the forms of the laws. */
const CALLS: readonly string[] = [
  "<tool_call>tide\n<arg_key>port</arg_key><arg_value>Hull</arg_value></tool_call>",
  "<function=tide>\n<parameter=port>Hull</parameter>\n</function>",
  '<minimax:tool_call>\n<invoke name="tide"></invoke>\n</minimax:tool_call>',
  "<|tool_calls_section_begin|><|tool_call_begin|>functions.tide:0<|tool_calls_section_end|>",
  "<｜tool▁calls▁begin｜>function<｜tool▁sep｜>tide<｜tool▁calls▁end｜>",
  '<|channel|>commentary to=functions.tide <|constrain|>json<|message|>{"port":"Hull"}<|call|>',
  "```tool_code\nprint(tide(port='Hull'))\n```",
  JSON_CALL,
  `I look.\n${JSON_CALL}`,
  "tide(port='Hull')",
  "[tide(port='Hull')]",
  '<｜DSML｜function_calls>\n<｜DSML｜invoke name="tide">\n</｜DSML｜invoke>\n</｜DSML｜function_calls>',
  '>>>all\nI look.>>>tide\n{"port": "Hull"}',
];

const ANSWERS: readonly string[] = [
  "High tide is at six.",
  "A model writes `<tool_call>` before a call.",
  `Such a call looks like this:\n\`\`\`json\n${JSON_CALL}\n\`\`\`\nIt has a name.`,
  "<think>\nI may <tool_call> the tool.\n</think>\nHigh tide is at six.",
  '{"port": "Hull", "arguments": "none"}',
  "tide(port) is a function. Call it.",
  "The tide (Hull) turns.",
  "tide(where you are)",
  "```python\ntide(port='Hull')\n```",
  "<|im_start|>assistant\nHigh tide is at six.",
];

describe("[L3] isWrittenCall()", () => {
  for (const answer of CALLS) {
    it(`finds ${JSON.stringify(answer)}`, () => assert.ok(isWrittenCall(answer, ["ask", "tide"])));
  }

  for (const answer of CALLS.filter((one) => /DSML|>>>/.test(one))) {
    it(`has no mark of ${JSON.stringify(answer)} that people see`, () =>
      assert.doesNotMatch(visibleText(answer), /DSML|>>>|tide/));
  }

  for (const answer of ANSWERS) {
    it(`finds none in ${JSON.stringify(answer)}`, () =>
      assert.ok(!isWrittenCall(answer, ["ask", "tide"])));
  }
});

interface Call {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** Writes JSON: compact, with spaces, or over lines. */
type Write = (value: unknown) => string;
const WRITERS: readonly Write[] = [
  (value) => JSON.stringify(value),
  (value) => JSON.stringify(value, undefined, 1).replace(/\n\s*/g, " "),
  (value) => JSON.stringify(value, undefined, 2),
];

const asObject = ({ name, args }: Call) => ({ name, arguments: args });
/** Forms of one call. */
const SINGLE: readonly ((call: Call, write: Write) => string)[] = [
  (call, write) => `<tool_call>\n${write(asObject(call))}\n</tool_call>`,
  (call, write) => `<tool_call>${write({ arguments: call.args, name: call.name })}`,
  (call, write) => `<function_call>${write(asObject(call))}</function_call>`,
  (call, write) => `<|python_tag|>${write({ name: call.name, parameters: call.args })}`,
  (call, write) => write({ type: "function", name: call.name, parameters: call.args }),
  (call, write) => write({ type: "function", function: asObject(call) }),
  (call, write) => `\`\`\`json\n${write(asObject(call))}\n\`\`\``,
  (call, write) => `\`\`\`tool_call\n${write(asObject(call))}\n\`\`\``,
  (call, write) => `>>>${call.name}\n${write(call.args)}`,
  (call, write) => `Action: ${call.name}\nAction Input: ${write(call.args)}`,
  (call, write) => `<function=${call.name}>${write(call.args)}</function>`,
];
/** Forms of several. */
const SEVERAL: readonly ((calls: readonly Call[], write: Write) => string)[] = [
  (calls, write) => `functools${write(calls.map(asObject))}`,
  (calls, write) => `<TOOLCALL>${write(calls.map(asObject))}</TOOLCALL>`,
  (calls, write) => `<TOOLCALL>${write(calls.map(asObject))}`,
  (calls, write) => `[TOOL_CALLS]${write(calls.map(asObject))}`,
  (calls, write) => `[TOOL_CALLS] ${write(calls.map(asObject))}</s>`,
  (calls, write) => write(calls.map(asObject)),
  (calls, write) => write({ tool_calls: calls.map((one) => ({ function: asObject(one) })) }),
  (calls, write) =>
    `Action: \`\`\`json\n${
      write(calls.map(({ name, args }) => ({ tool_name: name, parameters: args })))
    }\n\`\`\``,
  (calls, write) =>
    `Action:${write(calls.map(({ name, args }) => ({ tool_name: name, parameters: args })))}`,
  (calls, write) => calls.map((one) => `<tool_call>${write(asObject(one))}</tool_call>`).join("\n"),
  (calls, write) =>
    `>>>all\nI look.\n${calls.map(({ name, args }) => `>>>${name}\n${write(args)}`).join("\n")}`,
];

describe("[L3] laws of calls as text", () => {
  const secret = fc.stringMatching(/^[a-zä ]{0,9}zqx[a-z"{}\[\]<\\]{0,6}$/);
  const call = fc.record({
    name: fc.constantFrom("tide", "web_search", "mcp__crm__find-it"),
    args: fc.record({ port: secret }).map((args) => ({ ...args, deep: { list: [1, args.port] } })),
  });
  const form = fc.oneof(
    fc.tuple(fc.constantFrom(...SINGLE), call).map(([form, one]) => (write: Write) =>
      form(one, write)
    ),
    fc.tuple(fc.constantFrom(...SEVERAL), fc.array(call, { minLength: 1, maxLength: 3 }))
      .map(([form, calls]) => (write: Write) => form(calls, write)),
  );

  it("each is found, and people see nothing of it, whatever it is written like", () =>
    fc.assert(
      fc.property(
        form,
        fc.constantFrom(...WRITERS),
        fc.constantFrom("", "I look.\n\n", "<think>\nzqx\n</think>\n", "Ich sehe nach:\n"),
        fc.constantFrom("", "\n", "<|im_end|>", "\n</s>"),
        (form, write, preface, end) => {
          const answer = `${preface}${form(write)}${end}`;
          assert.ok(isWrittenCall(answer, ["tide", "web_search", "mcp__crm__find-it"]), answer);
          // A fence with JSON is shown if the call is not repeated: it may be an example.
          const isExample = /^`{3}json/m.test(answer) && !answer.includes("Action");
          if (!isExample) {
            assert.doesNotMatch(visibleText(answer), /zqx|tide|crm|>>>|TOOL|functools/);
          }
        },
      ),
      { numRuns: cases(400, 5_000) },
    ));

  it("no talk about tools is one", () =>
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom("The tide", "tide", "action", "at six.", "[1]", "{}", "functools"),
          { minLength: 1 },
        ),
        (words) => assert.ok(!isWrittenCall(`I say: ${words.join(" ")}`, ["tide"])),
      ),
    ));
});
