// The jobs of `epicat plan CAMPAIGN.toml --to FOLDER` as processes of Nextflow.
//
// NOT RUN: Nextflow could not be installed where this was written.  Its script blocks are tested
// (tests/test_workflow_files.py runs them with bash and compares the catalog); the rest is not.
// Please report what does not work.
//
//     epicat plan campaign.toml --to plan
//     nextflow run examples/main.nf --plan $PWD/plan -profile local     // or slurm, awsbatch
//
// One process per stage of arrays.json.  All picking is done before the first association, which
// needs less bookkeeping than the windows of arrays.json and gives the same catalog.

params.plan = null
params.epicat = 'epicat'
params.tries = 3

import groovy.json.JsonSlurper

def units(stage) {
    new JsonSlurper().parse(file("${params.plan}/arrays.json")).arrays
        .findAll { it.stage == stage }
        .collectMany { array -> (0..<array.units).collect { index -> tuple(array.name, index) } }
}

process PICK {
    tag "${name}.${index}"
    errorStrategy { task.exitStatus == 75 && task.attempt < params.tries ? 'retry' : 'finish' }
    maxRetries params.tries - 1

    input:
    tuple val(name), val(index)

    output:
    val true

    script:
    """
    ${params.epicat} work --plan ${params.plan}/${name}.units --index ${index} --attempt ${task.attempt} --tries ${params.tries} --workers ${task.cpus}
    """
}

process ASSOCIATE {
    tag "${name}.${index}"
    errorStrategy { task.exitStatus == 75 && task.attempt < params.tries ? 'retry' : 'finish' }
    maxRetries params.tries - 1

    input:
    tuple val(name), val(index)
    val picked

    output:
    val true

    script:
    """
    ${params.epicat} work --plan ${params.plan}/${name}.units --index ${index} --attempt ${task.attempt} --tries ${params.tries} --workers ${task.cpus}
    """
}

workflow {
    picked = PICK(Channel.fromList(units('pick'))).collect().ifEmpty([])
    ASSOCIATE(Channel.fromList(units('associate')), picked)
}
