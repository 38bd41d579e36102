// Counts the words of a text: a table of chains, one entry a word. It works, and it has a bug.
#include <stddef.h>
#include <stdint.h>

extern void *malloc(size_t size);
extern void free(void *ptr);
extern void *calloc(size_t count, size_t size);

#define EXPORT(name) __attribute__((export_name(#name)))
#define BUCKETS 64

struct word {
  struct word *next;
  uint32_t count;
  char *text;
};

static struct word **table;
static uint32_t distinct;

static int is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static char to_lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

static size_t length_of(const char *text) {
  size_t length = 0;
  while (text[length] != '\0') length++;
  return length;
}

// A copy of the word, in lower case.
static char *copy_word(const char *from, size_t length) {
  char *copy = malloc(length); // one byte short: there is none for the terminator
  if (copy == NULL) return NULL;
  for (size_t i = 0; i < length; i++) copy[i] = to_lower(from[i]);
  copy[length] = '\0';
  return copy;
}

static int is_same(const char *a, const char *b) {
  while (*a != '\0' && *a == *b) a++, b++;
  return *a == *b;
}

static void add(char *text) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < length_of(text); i++) hash = (hash ^ (uint8_t)text[i]) * 16777619u;
  struct word **bucket = &table[hash % BUCKETS];
  for (struct word *word = *bucket; word != NULL; word = word->next) {
    if (!is_same(word->text, text)) continue;
    word->count++;
    free(text);
    return;
  }
  struct word *word = malloc(sizeof *word);
  if (word == NULL) return;
  *word = (struct word){*bucket, 1, text};
  *bucket = word;
  distinct++;
}

// How many different words there are.
EXPORT(count_words) uint32_t count_words(const char *text, size_t length) {
  distinct = 0;
  table = calloc(BUCKETS, sizeof *table);
  if (table == NULL) return 0;
  for (size_t i = 0; i < length;) {
    size_t start = i;
    while (i < length && is_letter(text[i])) i++;
    if (i > start) {
      char *word = copy_word(text + start, i - start);
      if (word != NULL) add(word);
    } else {
      i++;
    }
  }
  for (int i = 0; i < BUCKETS; i++) {
    for (struct word *word = table[i]; word != NULL;) {
      struct word *next = word->next;
      free(word->text);
      free(word);
      word = next;
    }
  }
  free(table);
  return distinct;
}
