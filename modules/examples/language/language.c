// language: which language a conversation is held in. It counts the small words that every sentence has over the dialogs
// of text and adds the tag language, "language:de". What it cannot tell gets no tag.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "vcon_link.h"

#define VCON 1       // the handle of the vCon
#define AS_STRING 1  // doc_read: a decoded string
#define AS_BODY 2    // doc_read: a decoded body
#define MIN_HITS 3   // fewer small words tell nothing
#define MAX_WORD 16  // no small word is longer

struct language {
  const char *code;
  const char *words;  // each between blanks; lower case
};

// Words that two of the languages share are left out.
static const struct language languages[] = {
    {"de", " der die das und ist nicht ein eine ich sie wir mit auf für zu auch von dem haben "},
    {"en", " the and are not this that with for you your have will my it can please "},
    {"es", " el los las por para su está pero muy gracias tengo usted esta "},
    {"fr", " les et est une vous je nous avec pour dans votre sur ce merci "},
    {"it", " il gli è per che sono della grazie ho anche questo "},
    {"nl", " het een niet ik wij voor op ook dat heeft zijn mijn graag "},
};

enum { LANGUAGES = sizeof languages / sizeof *languages };

static int32_t hits[LANGUAGES];

// counter splits a text into words, which may come in pieces.
struct counter {
  char word[MAX_WORD + 3];  // with a blank before and after, and NUL
  size_t length;
};

static void count_word(struct counter *c) {
  if (c->length > 0 && c->length <= MAX_WORD) {
    c->word[0] = ' ';
    c->word[c->length + 1] = ' ';
    c->word[c->length + 2] = '\0';
    for (int i = 0; i < LANGUAGES; i++) {
      if (strstr(languages[i].words, c->word) != NULL) hits[i]++;
    }
  }
  c->length = 0;
}

// count_bytes takes the next piece. Letters beyond ASCII count as letters; upper case is folded in ASCII alone.
static void count_bytes(struct counter *c, const unsigned char *text, size_t n) {
  for (size_t i = 0; i < n; i++) {
    unsigned char b = text[i];
    if (b >= 'A' && b <= 'Z') b += 'a' - 'A';
    if ((b >= 'a' && b <= 'z') || b >= 0x80) {
      if (c->length < MAX_WORD) c->word[c->length + 1] = (char)b;
      c->length++;
    } else {
      count_word(c);
    }
  }
}

static unsigned char piece[16384];

// count_dialog counts the body of one dialog.
static void count_dialog(int64_t index) {
  char pointer[48];
  uint32_t n = (uint32_t)snprintf(pointer, sizeof pointer, "/dialog/%lld/type", (long long)index);
  char type[4];
  if (vcon_doc_read(VCON, pointer, n, AS_STRING, 0, type, sizeof type) != 4 || memcmp(type, "text", 4) != 0) return;

  n = (uint32_t)snprintf(pointer, sizeof pointer, "/dialog/%lld/body", (long long)index);
  struct counter c = {.length = 0};
  for (int64_t at = 0, size = 1; at < size; at += sizeof piece) {
    size = vcon_doc_read(VCON, pointer, n, AS_BODY, at, piece, sizeof piece);
    if (size <= at) break;  // also: no body, or not granted
    count_bytes(&c, piece, size - at < (int64_t)sizeof piece ? (size_t)(size - at) : sizeof piece);
  }
  count_word(&c);
}

// best gives the language with the most hits; -1 when there is no clear one.
static int best(void) {
  int first = 0, second = -1;
  for (int i = 1; i < LANGUAGES; i++) {
    if (hits[i] > hits[first]) {
      second = first;
      first = i;
    } else if (second < 0 || hits[i] > hits[second]) {
      second = i;
    }
  }
  return hits[first] >= MIN_HITS && hits[first] > hits[second] ? first : -1;
}

VCON_EXPORT("vcon_link_run") int32_t run(int32_t doc) {
  (void)doc;
  static const char tag[] = "language", dialog[] = "/dialog";
  if (vcon_tag_get(tag, sizeof tag - 1, NULL, 0) >= 0) return VCON_NO_CHANGE;  // somebody knows it
  memset(hits, 0, sizeof hits);
  int64_t dialogs = vcon_doc_count(VCON, dialog, sizeof dialog - 1);
  for (int64_t i = 0; i < dialogs; i++) count_dialog(i);

  int language = best();
  if (language < 0) return VCON_NO_CHANGE;
  const char *code = languages[language].code;
  int32_t result = vcon_tag_add(tag, sizeof tag - 1, code, (uint32_t)strlen(code));
  if (result == 0) return VCON_DONE;

  static char why[256];
  int64_t length = vcon_error_text(why, sizeof why);
  if (length > 0 && length <= (int64_t)sizeof why) vcon_error_set(why, (uint32_t)length);
  return result;
}
