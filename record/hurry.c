#include "record/hurry.h"

#include <signal.h>
#include <unistd.h>

static const int asking[] = { SIGINT, SIGTERM, SIGHUP };

enum { N_ASKING = sizeof(asking) / sizeof(asking[0]) };

static volatile sig_atomic_t asked_by; /* 0: nobody has */

static void take(int signal);

/* Those that were taken: one that is ignored stays so. */
static void take_no_more(void)
{
	const struct sigaction by_default = { .sa_handler = SIG_DFL };
	struct sigaction now;

	for (int i = 0; i < N_ASKING; i++)
		if (!sigaction(asking[i], NULL, &now) && now.sa_handler == take)
			sigaction(asking[i], &by_default, NULL);
}

static void take(int signal)
{
	asked_by = signal;
	take_no_more();
}

void hurry_watch(void)
{
	/* No SA_RESTART: it ends the wait for the command. */
	struct sigaction ours = { .sa_handler = take }, now;

	sigemptyset(&ours.sa_mask);
	for (int i = 0; i < N_ASKING; i++)
		sigaddset(&ours.sa_mask, asking[i]);
	for (int i = 0; i < N_ASKING; i++)
		if (!sigaction(asking[i], NULL, &now) && now.sa_handler == SIG_DFL)
			sigaction(asking[i], &ours, NULL);
}

bool hurry_asked(void)
{
	return asked_by != 0;
}

void hurry_end(void)
{
	take_no_more();
	if (!asked_by)
		return;
	raise(asked_by);
	_exit(128 + asked_by); /* the first process of a container does not die of it */
}
