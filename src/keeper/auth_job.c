/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/auth_job.h"

#include <stdlib.h>
#include <string.h>

struct auth_job *auth_job_new(void)
{
	struct auth_job *job = calloc(1, sizeof *job);
	if (job == nullptr)
		return nullptr;
	job->result = ERR_BUSY;
	job->why = "not checked";
	return job;
}

void auth_job_free(struct auth_job *job)
{
	if (job == nullptr)
		return;
	explicit_bzero(job, sizeof *job);
	free(job);
}
