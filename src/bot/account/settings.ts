/**
 * The settings of a running account that a reload replaces (C9).
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import type { AccountOptions, AnsweringModel } from "../account_interface.ts";
import type { Speech } from "../rules/setup.ts";

/** The current config and models. */
export interface Settings {
  config: Config;
  model: AnsweringModel["model"];
  checkModel: AnsweringModel["checkModel"];
  speech: Speech;
  drawing: AnsweringModel["drawing"] | undefined;
  choices: AnsweringModel["choices"] | undefined;
  configFile: AnsweringModel["configFile"] | undefined;
}

/** The settings that an account starts with, or that a reload brings. */
export function settingsOf(
  { config, model, checkModel, speech = {}, drawing, choices, configFile }:
    & AnsweringModel
    & Pick<AccountOptions, "config">,
): Settings {
  return { config, model, checkModel, speech, drawing, choices, configFile };
}
