"""Workers on several cards and machines, through Ray: the second implementation of `studio.engine.Engine`.

    studio process                  Ray process                     each machine of the cluster
    engine.RayEngine     pipe       driver.main       Ray           host.WorkerHost (an actor per card)
      a SupervisedWorker ◄────────►   finds machines, ◄────────────►   starts the same worker process
      for each worker                 starts hosts                     as `studio.engine.local`, and
                                                                       passes on what it says

What is said to a worker and what it says are the same `studio.engine.messages`; it is supervised by the
same class, with the same patience. Ray is imported in the Ray process and in hosts only: when the head of its
cluster is gone it ends the process it is in, and the studio goes on.
"""
