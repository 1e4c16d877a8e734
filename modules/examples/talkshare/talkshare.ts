// talkshare: who says how much in a conversation of texts. It counts the words and characters of each party over the
// text dialogs and appends one analysis. No SDK: the host functions that it calls are declared at the end.

const DONE = 0, NO_CHANGE = 3, FAILED = -1; // results of a run
const VCON = 1; // the handle of the vCon
const JSON = 0, TEXT = 1, BODY = 2; // ways of doc_read
const APPEND = 3; // an operation of doc_edit
const NUMBER = 3, STRING = 4; // types of doc_type
const WARN = 2; // a level of log

/** What one party said. */
class Share {
  words: i32 = 0;
  characters: i32 = 0;
}

/** The server calls this for each vCon. */
export function vcon_link_run(doc: i32): i32 {
  for (let i = 0, n = count("/analysis"); i < n; i++) {
    if (read(`/analysis/${i}/type`, TEXT) == "talkshare") return NO_CHANGE; // an earlier run was here
  }
  const shares = new Array<Share>();
  for (let i = 0, n = count("/parties"); i < n; i++) shares.push(new Share());
  const dialogs = new Array<string>();
  for (let i = 0, n = count("/dialog"); i < n; i++) {
    if (read(`/dialog/${i}/type`, TEXT) != "text") continue;
    const party = speaker(i);
    if (party < 0 || party >= shares.length) continue;
    if (measure(`/dialog/${i}/body`, shares[party])) dialogs.push(i.toString());
  }
  if (dialogs.length == 0) return NO_CHANGE;

  const result = report(shares);
  if (!append("/analysis", `{"type":"talkshare","dialog":[${dialogs.join(",")}],"vendor":"vconduit","mediatype":"application/json","encoding":"json","body":${result}}`)) {
    fail();
    return FAILED;
  }
  send(result);
  return DONE;
}

/** The party that speaks in a dialog: its originator, else the first of its parties; -1 when nobody is named. */
function speaker(dialog: i32): i32 {
  let party = read(`/dialog/${dialog}/originator`, JSON);
  if (type(`/dialog/${dialog}/originator`) != NUMBER) {
    const list = `/dialog/${dialog}/parties`;
    party = read(type(list) == NUMBER ? list : list + "/0", JSON);
  }
  return party.length > 0 && party.length < 6 ? I32.parseInt(party) : -1;
}

const SIZE = 16384;
const buffer = new StaticArray<u8>(SIZE);

/** Adds the words and characters of a body, however long, piece by piece; false when there is none to be read. */
function measure(body: string, share: Share): bool {
  const p = utf8(body);
  let inWord = false;
  for (let at: i64 = 0, size: i64 = 1; at < size; at += SIZE) {
    size = doc_read(VCON, address(p), p.byteLength, BODY, at, changetype<usize>(buffer), SIZE);
    if (size < 0) return false;
    for (let i = 0, n = <i32>min<i64>(SIZE, size - at); i < n; i++) {
      const c = buffer[i];
      if ((c & 0xc0) != 0x80) share.characters++; // not in the middle of one
      if (c > 0x20 && !inWord) share.words++;
      inWord = c > 0x20;
    }
  }
  return true;
}

/** The body of the analysis. Names stand in it as they stand in the vCon. */
function report(shares: Array<Share>): string {
  let all = 0;
  for (let i = 0; i < shares.length; i++) all += shares[i].characters;
  const parties = new Array<string>();
  for (let i = 0; i < shares.length; i++) {
    const s = shares[i];
    const name = type(`/parties/${i}/name`) == STRING ? read(`/parties/${i}/name`, JSON) : "";
    parties.push(`{"party":${i},${name.length > 0 ? `"name":${name},` : ""}"words":${s.words},"characters":${s.characters},"share":${ratio(s.characters, all)}}`);
  }
  return `{"parties":[${parties.join(",")}]}`;
}

/** A part of a whole, with three decimals. */
function ratio(part: i32, all: i32): string {
  if (part == 0) return "0";
  const thousandths = <i32>((<i64>part * 1000 + all / 2) / all);
  return thousandths == 1000 ? "1" : "0." + thousandths.toString().padStart(3, "0");
}

/** Posts the result to the URL of the option report_to. The config must grant it; a refusal is no reason to fail. */
function send(result: string): void {
  const url = option("/report_to");
  if (url.length == 0) return;
  const request = utf8(`{"method":"POST","url":${url},"headers":{"Content-Type":"application/json"}}`);
  const text = utf8(result);
  const body = stream_new();
  if (body < 0 || stream_write(body, address(text), text.byteLength) < 0 || http_send(address(request), request.byteLength, body) < 0) {
    const line = utf8("report_to: " + lastError());
    log(WARN, address(line), line.byteLength);
  }
}

// Small wrappers: the host takes UTF-8 in memory, by address and length.

function utf8(text: string): ArrayBuffer {
  return String.UTF8.encode(text);
}

function address(text: ArrayBuffer): usize {
  return changetype<usize>(text);
}

/** The result of a function that has filled the buffer; "" for an error, and for what is too long to matter here. */
function filled(size: i64): string {
  return size < 0 || size > SIZE ? "" : String.UTF8.decodeUnsafe(changetype<usize>(buffer), <usize>size);
}

function read(pointer: string, how: i32): string {
  const p = utf8(pointer);
  return filled(doc_read(VCON, address(p), p.byteLength, how, 0, changetype<usize>(buffer), SIZE));
}

function type(pointer: string): i32 {
  const p = utf8(pointer);
  return doc_type(VCON, address(p), p.byteLength);
}

function count(pointer: string): i32 {
  const p = utf8(pointer);
  return <i32>doc_count(VCON, address(p), p.byteLength); // below zero when there is no such array
}

function append(pointer: string, value: string): bool {
  const p = utf8(pointer), v = utf8(value);
  return doc_edit(VCON, APPEND, address(p), p.byteLength, address(v), v.byteLength) == 0;
}

function option(pointer: string): string {
  const p = utf8(pointer);
  return filled(config_read(address(p), p.byteLength, changetype<usize>(buffer), SIZE));
}

function lastError(): string {
  return filled(error_text(changetype<usize>(buffer), SIZE));
}

/** Tells the host why the run fails. */
function fail(): void {
  const text = utf8(lastError());
  error_set(address(text), text.byteLength);
}

// The host functions, from hostabi/ABI.md.

// @ts-ignore: decorator
@external("vcon:link/v1", "doc_count")
declare function doc_count(h: i32, p: usize, n: i32): i64;
// @ts-ignore: decorator
@external("vcon:link/v1", "doc_type")
declare function doc_type(h: i32, p: usize, n: i32): i32;
// @ts-ignore: decorator
@external("vcon:link/v1", "doc_read")
declare function doc_read(h: i32, p: usize, n: i32, how: i32, off: i64, out: usize, cap: i32): i64;
// @ts-ignore: decorator
@external("vcon:link/v1", "doc_edit")
declare function doc_edit(h: i32, op: i32, p: usize, n: i32, v: usize, vn: i32): i32;
// @ts-ignore: decorator
@external("vcon:link/v1", "config_read")
declare function config_read(p: usize, n: i32, out: usize, cap: i32): i64;
// @ts-ignore: decorator
@external("vcon:link/v1", "stream_new")
declare function stream_new(): i32;
// @ts-ignore: decorator
@external("vcon:link/v1", "stream_write")
declare function stream_write(s: i32, p: usize, n: i32): i32;
// @ts-ignore: decorator
@external("vcon:link/v1", "http_send")
declare function http_send(p: usize, n: i32, body: i32): i32;
// @ts-ignore: decorator
@external("vcon:link/v1", "log")
declare function log(level: i32, p: usize, n: i32): i32;
// @ts-ignore: decorator
@external("vcon:link/v1", "error_set")
declare function error_set(p: usize, n: i32): i32;
// @ts-ignore: decorator
@external("vcon:link/v1", "error_text")
declare function error_text(out: usize, cap: i32): i64;
