// deno-fmt-ignore-file
/**
 * Holds the model's view of tools and actions, which Zod would take 5 ms of a start to derive from
 * their inputs. Generated: deno run -A scripts/reference/tools.ts
 */

/** The model's view of an action of the tool `discord`. */
interface ActionView {
  /** Its arguments, for the tool's description. */
  readonly line: string;
  /** JSON Schemas of its arguments, by name. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The JSON Schema of a tool's arguments; `undefined` for tools that are not in the registry. */
export function schemaOf(tool: string): Readonly<Record<string, unknown>> | undefined {
  return schemas[tool] ??= parsed(SCHEMAS[tool]);
}

export function viewOf(action: string): ActionView {
  return parsed(VIEWS[action]) ?? { line: "", fields: {} };
}

const schemas: Record<string, Readonly<Record<string, unknown>> | undefined> = {};

function parsed<View>(json: string | undefined): View | undefined {
  return json === undefined ? undefined : JSON.parse(json);
}

const SCHEMAS: Readonly<Record<string, string>> = {
  read_channel_history: '{"type":"object","properties":{"channelId":{"type":"string"},"limit":{"default":50,"description":"How many messages to read.","type":"integer","minimum":1,"maximum":500},"before":{"description":"Id of a message: reads only older messages. Without it, reads the newest ones before the question.","type":"string"},"since":{"description":"Reads only messages from this time on, such as 2026-03-01 or 2026-03-01T14:00:00Z.","type":"string"},"mode":{"default":"auto","description":"raw: the messages. summary: a summary that cites their ids. auto: a summary if they are too long.","type":"string","enum":["auto","raw","summary"]},"question":{"description":"What the summary must answer.","type":"string","maxLength":500}}}',
  recall: '{"type":"object","properties":{"words":{"description":"Words that must all be in an entry, such as `tide noon`.","type":"string","maxLength":200},"message_ids":{"description":"Ids of messages: reads these and their answers.","maxItems":20,"type":"array","items":{"type":"string"}}}}',
  reply_in_thread: '{"type":"object","properties":{"title":{"type":"string","minLength":1,"maxLength":100,"description":"Title of the thread, in a few words."}},"required":["title"]}',
  read_skill: '{"type":"object","properties":{"name":{"type":"string","maxLength":64,"description":"Name of the skill."},"file":{"description":"A file of the skill, such as references/forms.md. Without it, its instructions.","type":"string","minLength":1,"maxLength":1000}},"required":["name"],"additionalProperties":false}',
  web_fetch: '{"type":"object","properties":{"url":{"type":"string","minLength":1,"maxLength":4000,"description":"The address, with https://."},"offset":{"default":0,"description":"Where to begin, in characters. A result that is not the page\'s end names the next offset.","type":"integer","minimum":0,"maximum":9007199254740991}},"required":["url"]}',
  web_search: '{"type":"object","properties":{"query":{"type":"string","minLength":1,"maxLength":400,"description":"Words to search for."},"limit":{"default":8,"description":"Maximum number of results.","type":"integer","minimum":1,"maximum":20}},"required":["query"]}',
  code: '{"type":"object","properties":{"source":{"type":"string","minLength":1,"maxLength":50000,"description":"JavaScript. The value of its last expression is the result; `console.log` adds lines."},"files":{"default":[],"description":"Names of text attachments of the message, or of the quoted one, to read: `files[\\"data.csv\\"]` is then the text.","maxItems":10,"type":"array","items":{"type":"string","minLength":1,"maxLength":300}}},"required":["source"]}',
  draw: '{"type":"object","properties":{"prompt":{"type":"string","minLength":1,"maxLength":4000,"description":"Description of the image: subject, style, and words in it."}},"required":["prompt"],"additionalProperties":false}',
  send_file: '{"type":"object","properties":{"file":{"description":"A path of your workspace, attachment:<name> of the message, image:<id> of a result, or an https:// address.","type":"string","minLength":1,"maxLength":4000},"text":{"description":"Instead of `file`: the content of a new text file.","type":"string","minLength":1,"maxLength":200000},"name":{"description":"File name for people, such as tides.csv; needed with `text`.","type":"string","minLength":1,"maxLength":200},"alt":{"description":"Description of an image.","type":"string","minLength":1,"maxLength":1000},"spoiler":{"description":"true: people see it only after a click.","type":"boolean"}},"additionalProperties":false}',
  ask: '{"type":"object","properties":{"question":{"type":"string","minLength":1,"maxLength":1000},"options":{"minItems":2,"maxItems":100,"type":"array","items":{"type":"string","minLength":1,"maxLength":100},"description":"Answers to choose from."},"upTo":{"description":"How many of up to 25 options the person may choose: 1.","type":"integer","minimum":2,"maximum":25},"to":{"default":"asker","description":"Who may answer: \\"asker\\", \\"anyone\\", or the id of a person whom the message mentions.","type":"string"}},"required":["question","options"],"additionalProperties":false}',
  read_file: '{"type":"object","properties":{"path":{"type":"string","minLength":1,"maxLength":1000,"description":"Path within the workspace, such as notes/plan.md."},"from":{"default":1,"description":"First line to read, from 1.","type":"integer","minimum":1,"maximum":9007199254740991},"lines":{"default":500,"description":"How many lines to read.","type":"integer","minimum":1,"maximum":2000}},"required":["path"],"additionalProperties":false}',
  write_file: '{"type":"object","properties":{"path":{"type":"string","minLength":1,"maxLength":1000,"description":"Path within the workspace, such as notes/plan.md."},"text":{"type":"string","maxLength":200000}},"required":["path","text"],"additionalProperties":false}',
  edit_file: '{"type":"object","properties":{"path":{"type":"string","minLength":1,"maxLength":1000,"description":"Path within the workspace, such as notes/plan.md."},"old":{"type":"string","minLength":1,"maxLength":200000,"description":"The part to replace, exactly as in the file."},"new":{"type":"string","maxLength":200000,"description":"The text in its place."}},"required":["path","old","new"],"additionalProperties":false}',
  list_files: '{"type":"object","properties":{"path":{"default":"","description":"Path within the workspace, such as notes/plan.md. Without it, the whole workspace.","type":"string","maxLength":1000},"recursive":{"default":false,"description":"Also lists the content of folders.","type":"boolean"}},"additionalProperties":false}',
  exec: '{"type":"object","properties":{"argv":{"minItems":1,"maxItems":200,"type":"array","items":{"type":"string","maxLength":10000},"description":"The program and its arguments, one each. There is no shell: no pipes, no *."},"cwd":{"default":"","description":"Folder within your workspace.","type":"string","maxLength":1000},"timeoutSec":{"default":110,"type":"integer","minimum":1,"maximum":110}},"required":["argv"],"additionalProperties":false}',
  memory: '{"type":"object","properties":{"action":{"type":"string","enum":["save","search","update","delete"]},"text":{"description":"For save and update: the note, in a sentence that is clear without the conversation, and in the person\'s own words: a note with other words goes if a message goes that you have read.","type":"string","maxLength":1000},"scope":{"default":"member","description":"For save. member: about the person you answer, seen only when they write. channel: for this channel, and for words that only its readers may know. guild: for the whole server, only for owners. agent: for the owners\' direct messages, only there.","type":"string","enum":["member","channel","guild","agent"]},"sources":{"default":[],"description":"For save and update: ids of other messages that the note comes from.","maxItems":20,"type":"array","items":{"type":"string"}},"query":{"default":"","description":"For search: words of the note, and others for the same thing. Without them, the newest notes.","type":"string","maxLength":500},"limit":{"default":10,"description":"For search: how many notes.","type":"integer","minimum":1,"maximum":50},"id":{"description":"For update and delete: number of the note.","type":"integer","exclusiveMinimum":0,"maximum":9007199254740991}},"required":["action"],"additionalProperties":false}',
  remind: '{"type":"object","properties":{"action":{"type":"string","enum":["create","list","delete"]},"when":{"description":"For create: a local time (\\"2026-11-27T09:00\\"), a duration (\\"2h 30m\\"), or, for owners only, a cron pattern with five fields (\\"0 9 * * 1\\").","type":"string","maxLength":100},"text":{"description":"For create: the reminder\'s words as people will read them, or the instructions of the task.","type":"string","maxLength":1500},"task":{"default":false,"description":"For create: true runs a turn of yours with the text then; false only posts the text.","type":"boolean"},"id":{"description":"For delete: number of the reminder or task.","type":"integer","exclusiveMinimum":0,"maximum":9007199254740991}},"required":["action"],"additionalProperties":false}',
  voice: '{"type":"object","properties":{"action":{"type":"string","enum":["join","leave","say"]},"channelId":{"description":"join: the voice channel. Without it, the one in which the person is.","type":"string"},"text":{"description":"say: the words, without markup.","type":"string","minLength":1,"maxLength":1000}},"required":["action"]}',
};

const VIEWS: Readonly<Record<string, string>> = {
  sendMessage: '{"line":"userId?,text?,replyTo?,mediaUrl?,embed?","fields":{"channelId":{"type":"string"},"userId":{"type":"string"},"text":{"type":"string"},"replyTo":{"type":"string"},"mediaUrl":{"type":"string","description":"Link, attachment:<name>, image:<id> or path."},"embed":{"type":"object","description":"{title,description,color,fields:[{name,value}],footer}"}}}',
  readMessages: '{"line":"limit?,before?,after?,around?","fields":{"channelId":{"type":"string"},"limit":{"type":"integer"},"before":{"type":"string"},"after":{"type":"string"},"around":{"type":"string"}}}',
  fetchMessage: '{"line":"messageId","fields":{"channelId":{"type":"string"},"messageId":{"type":"string"}}}',
  editMessage: '{"line":"messageId,text","fields":{"channelId":{"type":"string"},"messageId":{"type":"string"},"text":{"type":"string"}}}',
  deleteMessage: '{"line":"messageId","fields":{"channelId":{"type":"string"},"messageId":{"type":"string"},"dryRun":{"type":"boolean"}}}',
  forwardMessage: '{"line":"messageId,toChannelId","fields":{"channelId":{"type":"string"},"messageId":{"type":"string"},"toChannelId":{"type":"string"}}}',
  react: '{"line":"messageId,emoji,remove?","fields":{"channelId":{"type":"string"},"messageId":{"type":"string"},"emoji":{"type":"string","description":"Unicode, or <:name:id>."},"remove":{"type":"boolean"}}}',
  reactions: '{"line":"messageId,emoji?,limit?","fields":{"channelId":{"type":"string"},"messageId":{"type":"string"},"emoji":{"type":"string","description":"Unicode, or <:name:id>."},"limit":{"type":"integer"}}}',
  emojiList: '{"line":"","fields":{"guildId":{"type":"string"}}}',
  sticker: '{"line":"stickerIds,text?","fields":{"channelId":{"type":"string"},"stickerIds":{"type":"array","items":{"type":"string"}},"text":{"type":"string"}}}',
  emojiUpload: '{"line":"name,mediaUrl,roleIds?","fields":{"guildId":{"type":"string"},"name":{"type":"string"},"mediaUrl":{"type":"string","description":"Link, attachment:<name>, image:<id> or path."},"roleIds":{"type":"array","items":{"type":"string"}}}}',
  stickerUpload: '{"line":"name,description,emoji,mediaUrl","fields":{"guildId":{"type":"string"},"name":{"type":"string"},"description":{"type":"string"},"emoji":{"type":"string"},"mediaUrl":{"type":"string","description":"Link, attachment:<name>, image:<id> or path."}}}',
  poll: '{"line":"question,answers,multiselect?,hours?,text?","fields":{"channelId":{"type":"string"},"question":{"type":"string"},"answers":{"type":"array","items":{"type":"string"}},"multiselect":{"type":"boolean"},"hours":{"type":"integer"},"text":{"type":"string"}}}',
  pollResults: '{"line":"messageId","fields":{"channelId":{"type":"string"},"messageId":{"type":"string"}}}',
  pollEnd: '{"line":"messageId","fields":{"channelId":{"type":"string"},"messageId":{"type":"string"},"dryRun":{"type":"boolean"}}}',
  pinMessage: '{"line":"messageId","fields":{"channelId":{"type":"string"},"messageId":{"type":"string"}}}',
  unpinMessage: '{"line":"messageId","fields":{"channelId":{"type":"string"},"messageId":{"type":"string"}}}',
  listPins: '{"line":"limit?,pinnedBefore?","fields":{"channelId":{"type":"string"},"limit":{"type":"integer"},"pinnedBefore":{"type":"string"}}}',
  threadCreate: '{"line":"messageId?,title,text?,tags?,autoArchiveMinutes?","fields":{"channelId":{"type":"string"},"messageId":{"type":"string"},"title":{"type":"string"},"text":{"type":"string"},"tags":{"type":"array","items":{"type":"string"},"description":"Names of forum tags."},"autoArchiveMinutes":{"type":"integer","description":"60, 1440, 4320 or 10080."}}}',
  threadList: '{"line":"query?,tags?,archived?,limit?","fields":{"guildId":{"type":"string"},"channelId":{"type":"string"},"query":{"type":"string"},"tags":{"type":"array","items":{"type":"string"},"description":"Names of forum tags."},"archived":{"type":"boolean"},"limit":{"type":"integer"}}}',
  threadReply: '{"line":"channelId,text?,replyTo?,mediaUrl?,embed?","fields":{"channelId":{"type":"string"},"text":{"type":"string"},"replyTo":{"type":"string"},"mediaUrl":{"type":"string","description":"Link, attachment:<name>, image:<id> or path."},"embed":{"type":"object","description":"{title,description,color,fields:[{name,value}],footer}"}}}',
  searchMessages: '{"line":"query?,channelIds?,authorIds?,before?,after?,limit?","fields":{"guildId":{"type":"string"},"query":{"type":"string"},"channelIds":{"type":"array","items":{"type":"string"}},"authorIds":{"type":"array","items":{"type":"string"}},"before":{"type":"string"},"after":{"type":"string"},"limit":{"type":"integer"}}}',
  channelInfo: '{"line":"","fields":{"channelId":{"type":"string"}}}',
  channelList: '{"line":"","fields":{"guildId":{"type":"string"}}}',
  channelCreate: '{"line":"name,type?,parentId?,topic?,isNsfw?","fields":{"guildId":{"type":"string"},"name":{"type":"string"},"type":{"type":"string","enum":["text","voice","announcement","forum","stage"]},"parentId":{"type":"string","description":"Category id, or \\"none\\"."},"topic":{"type":"string"},"isNsfw":{"type":"boolean"},"reason":{"type":"string"},"dryRun":{"type":"boolean"}}}',
  categoryCreate: '{"line":"name,position?","fields":{"guildId":{"type":"string"},"name":{"type":"string"},"position":{"type":"integer"},"reason":{"type":"string"},"dryRun":{"type":"boolean"}}}',
  channelEdit: '{"line":"name?,topic?,parentId?,isNsfw?,slowmodeSec?,archived?,locked?","fields":{"channelId":{"type":"string"},"name":{"type":"string"},"topic":{"type":"string"},"parentId":{"type":"string","description":"Category id, or \\"none\\"."},"isNsfw":{"type":"boolean"},"slowmodeSec":{"type":"integer"},"archived":{"type":"boolean"},"locked":{"type":"boolean"},"reason":{"type":"string"},"dryRun":{"type":"boolean"}}}',
  channelMove: '{"line":"channelId,parentId?,position?","fields":{"channelId":{"type":"string"},"parentId":{"type":"string","description":"Category id, or \\"none\\"."},"position":{"type":"integer"},"reason":{"type":"string"},"dryRun":{"type":"boolean"}}}',
  channelDelete: '{"line":"channelId","fields":{"channelId":{"type":"string"},"reason":{"type":"string"},"dryRun":{"type":"boolean"}}}',
  categoryEdit: '{"line":"channelId,name?,position?","fields":{"channelId":{"type":"string"},"name":{"type":"string"},"position":{"type":"integer"},"reason":{"type":"string"},"dryRun":{"type":"boolean"}}}',
  categoryDelete: '{"line":"channelId","fields":{"channelId":{"type":"string"},"reason":{"type":"string"},"dryRun":{"type":"boolean"}}}',
  permissions: '{"line":"userId?","fields":{"channelId":{"type":"string"},"userId":{"type":"string"}}}',
  channelPermissionSet: '{"line":"channelId,targetId,allow?,deny?","fields":{"channelId":{"type":"string"},"targetId":{"type":"string"},"allow":{"type":"array","items":{"type":"string"}},"deny":{"type":"array","items":{"type":"string"}},"reason":{"type":"string"},"dryRun":{"type":"boolean"}}}',
  channelPermissionRemove: '{"line":"channelId,targetId","fields":{"channelId":{"type":"string"},"targetId":{"type":"string"},"reason":{"type":"string"},"dryRun":{"type":"boolean"}}}',
  memberInfo: '{"line":"userId","fields":{"guildId":{"type":"string"},"userId":{"type":"string"}}}',
  roleInfo: '{"line":"","fields":{"guildId":{"type":"string"}}}',
  roleAdd: '{"line":"userId,roleId","fields":{"guildId":{"type":"string"},"userId":{"type":"string"},"roleId":{"type":"string"},"reason":{"type":"string"},"dryRun":{"type":"boolean"}}}',
  roleRemove: '{"line":"userId,roleId","fields":{"guildId":{"type":"string"},"userId":{"type":"string"},"roleId":{"type":"string"},"reason":{"type":"string"},"dryRun":{"type":"boolean"}}}',
  voiceStatus: '{"line":"userId","fields":{"guildId":{"type":"string"},"userId":{"type":"string"}}}',
  eventList: '{"line":"","fields":{"guildId":{"type":"string"}}}',
  eventCreate: '{"line":"name,startTime,endTime?,description?,location?","fields":{"guildId":{"type":"string"},"name":{"type":"string"},"startTime":{"type":"string"},"endTime":{"type":"string"},"description":{"type":"string"},"channelId":{"type":"string"},"location":{"type":"string"}}}',
  timeout: '{"line":"userId,minutes?,until?","fields":{"guildId":{"type":"string"},"userId":{"type":"string"},"minutes":{"type":"integer"},"until":{"type":"string"},"reason":{"type":"string"},"dryRun":{"type":"boolean"}}}',
  kick: '{"line":"userId","fields":{"guildId":{"type":"string"},"userId":{"type":"string"},"reason":{"type":"string"},"dryRun":{"type":"boolean"}}}',
  ban: '{"line":"userId,deleteDays?","fields":{"guildId":{"type":"string"},"userId":{"type":"string"},"deleteDays":{"type":"integer","description":"Days of messages to delete."},"reason":{"type":"string"},"dryRun":{"type":"boolean"}}}',
  unban: '{"line":"userId","fields":{"guildId":{"type":"string"},"userId":{"type":"string"},"reason":{"type":"string"},"dryRun":{"type":"boolean"}}}',
  banList: '{"line":"limit?,afterUserId?","fields":{"guildId":{"type":"string"},"limit":{"type":"integer"},"afterUserId":{"type":"string"}}}',
  setPresence: '{"line":"status?,activityType?,activityName?,activityUrl?","fields":{"status":{"type":"string","enum":["online","idle","dnd","invisible"]},"activityType":{"type":"string","enum":["playing","streaming","listening","watching","custom","competing"]},"activityName":{"type":"string"},"activityUrl":{"type":"string"}}}',
  undo: '{"line":"id?","fields":{"id":{"type":"integer"}}}',
};
