#include "tests/localcloud/command.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int child(char **argv, const char *url, const char *project)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setenv("BIGQUERY_EMULATOR_HOST", url, 1);
	setenv("STORAGE_EMULATOR_HOST", url, 1);
	setenv("GOOGLE_CLOUD_PROJECT", project, 0);
	execvp(argv[0], argv);
	return errno == ENOENT ? 127 : 126;
}

int command_run(char **argv, const char *url, const char *project, struct error *err)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return error_set_errno(err, ERR_OS, "fork");
	if (pid == 0)
		_exit(child(argv, url, project));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_set_errno(err, ERR_OS, "waitpid");
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WEXITSTATUS(status);
}
