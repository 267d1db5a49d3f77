/**
 * Refuses answers that are a tool call as text (L3). The server's tool parser has not read the call, so
 * no tool runs, and people would see half a sentence.
 */

import { type Model, ModelError, withGenerate } from "../../core/model.ts";

/**
 * Wraps a model.
 *
 * @param load Loads the judge: whether a text has a call of one of these tools.
 */
export function withReadCalls(
  model: Model,
  load: () => Promise<(text: string, tools: readonly string[]) => boolean>,
): Model {
  return withGenerate(model, async function* (request, signal) {
    const tools = request.mayCall === false ? [] : request.tools ?? [];
    let text = "";
    for await (const part of model.generate(request, signal)) {
      if (part.kind === "text") text += part.text;
      const isAnswer = tools.length > 0 && part.kind === "finish" && !part.calls;
      if (isAnswer && (await load())(text, tools.map(({ name }) => name))) {
        const what = "wrote a tool call as text: its server's tool parser did not read the call";
        throw new ModelError(`${model.id} ${what}`, { kind: "unread_call", modelId: model.id });
      }
      yield part;
    }
  });
}
