/**
 * Keys of `models`, and the choice of a model.
 *
 * @module
 */

import { z } from "zod";
import { address, amount, key, later, text, whole } from "./parts/key.ts";
import { secret } from "./parts/secrets.ts";

/** A model of a provider: `"openai/gpt-4.1"`. */
export const modelRef = () =>
  z.string().regex(/^[^/\s]+\/\S+$/, 'Expected "<provider>/<model>", such as "ollama/llama3.2"');

/** The choice of a model: one, or one with fallbacks. */
export const model = () =>
  z.union([
    modelRef(),
    z.strictObject({
      primary: key(modelRef(), "The model to ask first.", { example: "anthropic/claude" }),
      fallbacks: later(z.array(modelRef()).default([]), "Models to ask if the first one fails."),
    }),
  ]);

const price = () => amount(0, 10_000);

/** The APIs that a provider may have. */
const PROVIDER_KINDS = ["openai-compatible", "anthropic", "google"] as const;

const provider = z.strictObject({
  kind: key(
    z.enum(PROVIDER_KINDS),
    "The provider's API. `google` is not implemented yet, and an error at start-up.",
    { example: "openai-compatible", isCommon: true },
  ),
  baseUrl: key(
    address("put it into apiKey or headers").optional(),
    "Base address of the API. Only the provider `openai` and the kind `anthropic` have a default.",
    { unset: "the vendor's address", example: "http://127.0.0.1:11434/v1", isCommon: true },
  ),
  apiKey: key(
    secret().optional(),
    'The API key: `"${NAME}"` reads an environment variable, `{ "file": "path" }` a file.',
    {
      unset:
        "`OPENAI_API_KEY` or `ANTHROPIC_API_KEY` of the environment if `baseUrl` is not set; " +
        "else none",
      example: "${OPENAI_API_KEY}",
      isCommon: true,
    },
  ),
  headers: key(
    z.record(text(), secret()).default({}),
    "Headers to add to each request. A value is written like `apiKey`.",
    { example: { "x-api-key": "${OPENAI_API_KEY}" } },
  ),
  sessionHeader: later(text().optional(), "Name of a header that sends the session's key.", {
    unset: "none",
    example: "x-session",
  }),
  prices: later(
    z.record(
      text(),
      z.strictObject({ input: price(), output: price(), cached: price().optional() }),
    ).default({}),
    "Price per million tokens, by model.",
    { entry: "<model>" },
  ),
  models: later(
    z.record(
      text(),
      z.strictObject({
        contextWindow: whole(256, 100_000_000).optional(),
        maxOutput: whole(1, 10_000_000).optional(),
        images: z.boolean().optional(),
        tools: z.boolean().optional(),
      }),
    ).default({}),
    "Capabilities of the provider's models, by model.",
    { entry: "<model>" },
  ),
});

/** `models`. */
export const models = z.strictObject({
  providers: key(
    z.record(z.string().regex(/^[^/\s]+$/, "Expected a name without / and spaces"), provider)
      .default({}),
    "Model servers, by a name of your choice: the first part of `<provider>/<model>`.",
    {
      example: { ollama: { kind: "openai-compatible", baseUrl: "http://127.0.0.1:11434/v1" } },
      isCommon: true,
      entry: "<provider>",
    },
  ),
});
