import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isWrittenCall } from "../../../src/render/safety/written_call.ts";

const JSON_CALL = '{"name": "tide", "arguments": {"port": "Hull"}}';

/** Calls as models write them if their server does not read them. */
const CALLS: readonly string[] = [
  `<tool_call>\n${JSON_CALL}\n</tool_call>`,
  `Let me look.\n<tool_call>\n${JSON_CALL}\n</tool_call>`,
  `Let me look.\n\n<tool_call>\n${JSON_CALL}`,
  "<tool_call>tide\n<arg_key>port</arg_key><arg_value>Hull</arg_value></tool_call>",
  "<function=tide>\n<parameter=port>Hull</parameter>\n</function>",
  '<minimax:tool_call>\n<invoke name="tide"></invoke>\n</minimax:tool_call>',
  `I look.\n[TOOL_CALLS][${JSON_CALL}]`,
  '<|python_tag|>{"type": "function", "name": "tide", "parameters": {}}',
  "<|tool_calls_section_begin|><|tool_call_begin|>functions.tide:0<|tool_calls_section_end|>",
  "<｜tool▁calls▁begin｜>function<｜tool▁sep｜>tide<｜tool▁calls▁end｜>",
  '<|channel|>commentary to=functions.tide <|constrain|>json<|message|>{"port":"Hull"}<|call|>',
  "Action: tide\nAction Input: {}",
  "```tool_code\nprint(tide(port='Hull'))\n```",
  `\`\`\`json\n${JSON_CALL}\n\`\`\``,
  JSON_CALL,
  `I look.\n${JSON_CALL}`,
  "tide(port='Hull')",
  "[tide(port='Hull')]",
  '<｜DSML｜function_calls>\n<｜DSML｜invoke name="tide">\n</｜DSML｜invoke>\n</｜DSML｜function_calls>',
  `<think>\nI need the tide.\n</think>\n<tool_call>${JSON_CALL}</tool_call>`,
  `functools[${JSON_CALL}]`,
  `I look.\n\nfunctools[${JSON_CALL}]`,
  `<TOOLCALL>[${JSON_CALL}]</TOOLCALL>`,
  '>>>tide\n{"port": "Hull"}',
  '>>>all\nI look.\n>>>tide\n{"port": "Hull"}',
  'Action: ```json\n[{"tool_name": "tide", "parameters": {"port": "Hull"}}]\n```',
  `I look.\n\n\`\`\`json\n${JSON_CALL}\n\`\`\``,
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

  for (const answer of ANSWERS) {
    it(`finds none in ${JSON.stringify(answer)}`, () =>
      assert.ok(!isWrittenCall(answer, ["ask", "tide"])));
  }
});
