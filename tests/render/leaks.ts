/**
 * What models, their templates and servers let out that was never meant for people, and what only
 * looks like it.
 *
 * @module
 */

/** The answer, and its visible part. */
export type Leak = readonly [name: string, answer: string, visible: string];

const CALL = '{"name": "search", "arguments": {"query": "tides"}}';

export const LEAKS: readonly Leak[] = [
  // Thinking.
  ["DeepSeek and Qwen", "<think>hm</think>\n\nhello", "hello"],
  ["thinking that never ended", "<think>hm", ""],
  ["thinking without its beginning", "hm\n</think>\n\nhello", "hello"],
  ["the same on one line", "I should say hello.</think>hello", "hello"],
  ["thinking with a fence in it", "<think>```\nx</think>hello", "hello"],
  ["thinking without its beginning, with a fence", "try:\n```js\nx\n```\n</think>\nhello", "hello"],
  ["thinking that speaks of its own tag", "<think>a `</think>` b</think>hello", "hello"],
  ["thinking in the middle", "Hello.\n<think>hm</think>\nBye.", "Hello.\n\nBye."],
  ["thinking at the end, unended", "Hello.\n<think>\nwhat else", "Hello."],
  ["thinking twice", "<think>a</think>Hello. <think>b</think>Bye.", "Hello. Bye."],
  ["nested thinking", "<think>a<think>b</think>c</think>\nhello", "hello"],
  ["<thinking>", "<thinking>hm</thinking>hello", "hello"],
  ["<thought>", "<thought>hm</thought>hello", "hello"],
  ["<reasoning>", "<reasoning>hm</reasoning>hello", "hello"],
  ["<reflection>", "<reflection>hm</reflection>hello", "hello"],
  ["<scratchpad>", "<scratchpad>hm</scratchpad>hello", "hello"],
  ["<inner_monologue>", "<inner_monologue>hm</inner_monologue>hello", "hello"],
  ["<antThinking>", "<antThinking>hm</antThinking>hello", "hello"],
  ["with a name before it", "<seed:think>hm</seed:think>hello", "hello"],
  ["with attributes", '<think effort="low">hm</think>hello', "hello"],
  ["Magistral", "[THINK]hm[/THINK]hello", "hello"],
  ["Kimi", "◁think▷hm◁/think▷hello", "hello"],
  ["QwQ", "<|begin_of_thought|>hm<|end_of_thought|>hello", "hello"],
  ["Command", "<|START_THINKING|>hm<|END_THINKING|>hello", "hello"],
  ["MedGemma", "<unused94>thought\nhm<unused95>hello", "hello"],
  [
    "gpt-oss",
    "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>hello<|return|>",
    "hello",
  ],
  ["gpt-oss without its tokens", "analysisWe should greet.assistantfinalhello", "hello"],
  // Calls of tools and what came of them.
  ["Hermes and Qwen", `<tool_call>\n${CALL}\n</tool_call>`, ""],
  ["a call behind words", `Let me look.\n<tool_call>${CALL}</tool_call>`, "Let me look."],
  ["a call that never ended", `Let me look.\n<tool_call>\n${CALL}`, "Let me look."],
  ["two calls", `<tool_call>${CALL}</tool_call>\n<tool_call>${CALL}</tool_call>\nhello`, "hello"],
  ["a result", "<tool_response>12 °C</tool_response>It is cold.", "It is cold."],
  ["<tool_result>", "<tool_result>12 °C</tool_result>It is cold.", "It is cold."],
  [
    "<function_calls>",
    '<function_calls>\n<invoke name="x"><parameter name="q">1</parameter></invoke>\n</function_calls>',
    "",
  ],
  ["<invoke>", 'Wait.\n<invoke name="x"><parameter name="q">1</parameter></invoke>', "Wait."],
  ["Llama's <function>", '<function=search>{"q": 1}</function>hello', "hello"],
  ["Llama's tag", `<|python_tag|>${CALL}`, ""],
  ["Mistral", `[TOOL_CALLS] [${CALL}]`, ""],
  ["Mistral's results", "[TOOL_RESULTS]12 °C[/TOOL_RESULTS]It is cold.", "It is cold."],
  [
    "Kimi",
    `<|tool_calls_section_begin|><|tool_call_begin|>functions.x:0<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>`,
    "",
  ],
  ["DeepSeek", "hello<｜tool▁calls▁begin｜>function<｜tool▁sep｜>x<｜tool▁calls▁end｜>", "hello"],
  [
    "gpt-oss",
    "<|channel|>commentary to=functions.x <|constrain|>json<|message|>{}<|call|>hello",
    "hello",
  ],
  ["bare JSON", CALL, ""],
  ["bare JSON over lines", JSON.stringify(JSON.parse(CALL), undefined, 2), ""],
  ["a list of them", `[${CALL}, ${CALL}]`, ""],
  ["JSON behind words", `Let me look.\n${CALL}`, "Let me look."],
  [
    "JSON over lines behind words",
    `Let me look.\n${JSON.stringify(JSON.parse(CALL), undefined, 2)}`,
    "Let me look.",
  ],
  ["JSON in OpenAI's form", '{"tool_calls": [{"id": "1", "type": "function"}]}', ""],
  ["JSON of a function", '{"type": "function", "function": {"name": "x", "parameters": {}}}', ""],
  ["a fence for tools", "Wait.\n```tool_code\nprint(search())\n```\nDone.", "Wait.\nDone."],
  ["one that never ended", "```tool_call\n{}", ""],
  [
    "steps",
    "Thought: I look.\nAction: search\nAction Input: x\nObservation: y\nFinal Answer: hello",
    "hello",
  ],
  ["steps without an end", "Sure.\nThought: I look.\nAction: search\nAction Input: x", "Sure."],
  // Tokens of templates.
  ["ChatML's end", "hello<|im_end|>", "hello"],
  ["ChatML's beginning", "<|im_start|>assistant\nhello", "hello"],
  ["a turn made up", "hello<|im_end|>\n<|im_start|>user\nand?<|im_end|>", "hello"],
  [
    "a prompt repeated",
    "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nhello<|im_end|>",
    "hello",
  ],
  ["in the middle", "a <|im_end|> b", "a  b"],
  ["Llama 3", "<|start_header_id|>assistant<|end_header_id|>\n\nhello<|eot_id|>", "hello"],
  [
    "a turn made up by Llama 3",
    "hello<|eot_id|><|start_header_id|>user<|end_header_id|>x",
    "hello",
  ],
  ["Llama 2", "[INST] hi [/INST] hello</s>", "hello"],
  ["Llama 2's system prompt", "<<SYS>>be kind<</SYS>>hello", "hello"],
  ["a turn made up by Mistral", "hello [INST] and?", "hello"],
  ["Gemma", "<start_of_turn>model\nhello<end_of_turn>", "hello"],
  ["a turn made up by Gemma", "hello<end_of_turn>\n<start_of_turn>user\nx", "hello"],
  ["DeepSeek's end", "hello<｜end▁of▁sentence｜>", "hello"],
  ["the end of a text", "hello</s>\n<|endoftext|>\n", "hello"],
  ["the beginning of one", "<s>hello<eos>", "hello"],
  ["a turn made up by Phi", "<|assistant|>hello<|end|><|user|>x", "hello"],
  // Ours.
  ["a fence of ours", '<message boundary="k3f9q2zz">\nhello\n</message>', "hello"],
  [
    "all of an envelope",
    '<context boundary="k3f9q2zz">\n{"id":"1","from":"ada","text":"x"}\n</context>\n[channel: direct message]\n' +
    "[time: Tue 2026-02-03 04:05 (UTC, GMT+00:00)]\n" +
    "[from: ada (123456789012345678)] [message_id: 14]\nhello",
    "hello",
  ],
  [
    "what was quoted",
    '[in reply to: bob (987654321098765432)] [discord message id: 5]\n<quoted boundary="k3f9q2zz">\nx\n</quoted>\nhello',
    "hello",
  ],
  ["extras", '<extras boundary="k3f9q2zz">\n{"kind":"poll"}\n</extras>\nhello', "hello"],
  ["silence behind words", "hello\n\nNO_REPLY", "hello"],
  ["silence before words", "NO_REPLY\nhello", "hello"],
  ["silence behind a sentence", "Done. NO_REPLY", "Done."],
  ["silence in bold", "Done.\n**NO_REPLY**", "Done."],
  ["silence alone", "<think>no</think>NO_REPLY", "NO_REPLY"],
];

/** Answers of which nothing may be lost. */
export const HARMLESS: readonly (readonly [name: string, answer: string])[] = [
  ["words", "hello"],
  ["an explanation of thinking", "Qwen writes `<think>` first, and then `</think>`."],
  ["an example of thinking", "```\n<think>hm</think>\nhello\n```"],
  ["an example of a call", `Send this:\n\`\`\`json\n${CALL}\n\`\`\``],
  ["an example of a call as XML", `\`\`\`xml\n<tool_call>${CALL}</tool_call>\n\`\`\``],
  ["an example of a template", "```\n<|im_start|>user\nhi<|im_end|>\n```"],
  ["a token that is spoken of", "It ends with `<|im_end|>` or `</s>`."],
  ["somebody's XML", "<message>some XML</message>"],
  ["somebody's context", "<context>\n<bean/>\n</context>"],
  ["data", '{"name": "Ada", "age": 36}'],
  ["data with a parameter", '{"name": "Ada", "parameters": [1], "colour": "red"}'],
  ["a list", "[1, 2, 3]"],
  ["a task list", "[ ] buy bread\n[x] sleep"],
  ["a time in brackets", "[time: at five]\nhello"],
  ["a comparison", "if a < b and b > c, then [a, c]"],
  ["generics", "`Map<string, Function>` or Array<number>"],
  ["F#", "x <| f y |> g"],
  ["a heart", "I <3 you"],
  ["a tag in a sentence", "In HTML, close it with </think> to be sure."],
  ["an unknown tag", "[[reply_to_current]] [[unknown_tag]] hello"],
  ["silence spoken of", "say NO_REPLY to be silent"],
  ["the word analysis", "analysis of the tide: it rises"],
  ["an action", "Action: open the door.\nThen go in."],
  ["a final answer", "Final Answer: 42"],
  ["strikethrough", "<s>old</s> new"],
  ["a mention", "<@123456789012345678>, see <#1400000000000000002> at <t:1700000000:R>"],
  ["an emoji", "<a:blob:12345678901>"],
  ["a fence of a language", "```python\nprint(1)\n```"],
];
