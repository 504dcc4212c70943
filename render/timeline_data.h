/* A timeline as the script in the page gets it:
 *
 *	{"id": "timeline.timeline", "title": "...", "from": 0, "to": 4000000000, "note": "...",
 *	 "kinds": ["other", "running", ...],
 *	 "names": ["(other)", 0, "sleeping", 3],         text, number of its kind
 *	 "threads": ["nginx", 12, 13],                   name, process, thread
 *	 "lanes": [{"group": 0, "title": "CPU 0", "value": "", "thread": -1, "least": 0,
 *	            "extra": "...", "items": [...], "parts": [...]}],
 *	 "tree": {...}}                                  see render/flame_data.h
 *
 * `items` goes on, for each piece, with how long after the end of the one before it begins and how long it
 * takes (ns), and a name. One that was put together of n pieces has -n as its name and then the number of
 * parts, each of which is four numbers in `parts`: name, how many, ns in all, ns of the longest. Any other
 * piece has, behind its name, who and behind (threads from 1 on; 0: nobody), its stack and who's stack (the
 * triple of `nodes` where it ends; 0: none), and the value; of these the ones at the end that are 0 are left
 * out, and how many there are is a digit in the text `extra`, one for each piece. */
#ifndef RENDER_TIMELINE_DATA_H
#define RENDER_TIMELINE_DATA_H

#include <stdio.h>

#include "render/render.h"
#include "render/timeline.h"

void timeline_data_put(FILE *out, const struct section *s, const struct render_options *o);

#endif
